// The files of an audit log that were put aside: `audit-20261128T000000Z-000042.jsonl`, with the time at which that was
// done and the number of the last line.

internal import Glibc
internal import Policy
internal import Wire

/// Where a log's earlier files are.
struct AuditAsides: Sendable {
  let folder: String
  private let stem: String
  private let ending: String
  /// A line at a file's end is looked for in so many bytes.
  private static let tail = 64 * 1024
  /// Files that are looked at; a log of many small files for a long time has that many.
  private static let ceiling = 100_000

  init(_ path: String) {
    let slash = path.lastIndex(of: "/")
    folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let name = path[(slash.map { path.index(after: $0) } ?? path.startIndex)...]
    if let dot = name.lastIndex(of: "."), dot != name.startIndex {
      stem = String(name[..<dot])
      ending = String(name[dot...])
    } else {
      stem = String(name)
      ending = ""
    }
  }

  /// The place of a file that is put aside.
  func path(at seconds: Int, sequence: Int) -> String {
    var stamp = ByteQueue()
    CivilTime.appendCompact(unixSeconds: seconds, into: &stamp)
    let number = String(sequence)
    let padded = String(repeating: "0", count: max(0, 6 - number.utf8.count)) + number
    return "\(folder)/\(stem)-\(stamp.bytes.text())-\(padded)\(ending)"
  }

  /// The number in the name of a file that was put aside; nil for any other name.
  func sequence(of name: String) -> Int? {
    guard name.hasPrefix(stem + "-"), name.hasSuffix(ending) else { return nil }
    let middle = name.utf8.dropFirst(stem.utf8.count + 1).dropLast(ending.utf8.count)
    let parts = middle.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.count == 2, let stamp = parts.first, let number = parts.last else { return nil }
    let digits = Array(stamp)
    guard digits.count == 16, digits[8] == UInt8(ascii: "T"), digits[15] == UInt8(ascii: "Z"),
      digits.enumerated().allSatisfy({ $0 == 8 || $0 == 15 || ASCII.isDigit($1) }),
      number.count >= 6, number.allSatisfy({ ASCII.isDigit($0) })
    else { return nil }
    return Int(String(decoding: number, as: UTF8.self))
  }

  /// The files, in no order.
  func list() -> [(name: String, sequence: Int)] {
    guard let directory = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(directory) }
    var files: [(name: String, sequence: Int)] = []
    while files.count < Self.ceiling, let entry = unsafe readdir(directory) {
      // SAFETY: readdir(3) ends the name with a zero within its 256 bytes.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if let sequence = sequence(of: name) { files.append((name, sequence)) }
    }
    return files
  }

  /// What is known of each file.
  func facts() -> [AuditKeeping.Aside] {
    list().compactMap { name, sequence in
      var status = stat()
      guard unsafe lstat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        return nil
      }
      return AuditKeeping.Aside(
        name: name, sequence: sequence, lastTime: AuditChain.time(of: lastLine(of: name).span),
        size: Int(status.st_size))
    }
  }

  /// Deletes a file; false where that can't be done.
  func delete(_ name: String) -> Bool { unsafe unlink(folder + "/" + name) == 0 }

  // MARK: The last line

  /// The last whole line of a file that was put aside; empty where there is none.
  func lastLine(of name: String) -> [UInt8] {
    let descriptor = unsafe open(folder + "/" + name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    return Self.lastLine(descriptor, Int(lseek(descriptor, 0, SEEK_END))).line
  }

  /// The last whole line, where it ends, and what follows it.
  static func lastLine(_ descriptor: Int32, _ size: Int) -> (line: [UInt8], end: Int, torn: [UInt8]) {
    let from = max(size - tail, 0)
    var bytes = [UInt8](repeating: 0, count: max(size - from, 0))
    // SAFETY: the pointer and the count are those of `bytes`.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(from))
    }
    guard count > 0 else { return ([], size, []) }
    guard let end = bytes[..<count].lastIndex(of: ASCII.lf) else { return ([], from, Array(bytes[..<count])) }
    let start = bytes[..<end].lastIndex(of: ASCII.lf).map { $0 + 1 } ?? 0
    return (Array(bytes[start..<end]), from + end + 1, Array(bytes[(end + 1)..<count]))
  }
}

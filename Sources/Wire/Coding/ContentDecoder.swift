// A body's content coding, taken off as it arrives: gzip (RFC 1952), zlib (RFC 1950) and bare DEFLATE.
//
// It says everything that its input says, and makes no more at a time than it is allowed to: a kilobyte of zeros is a byte
// of input. What is refused: a checksum or a length that is wrong, a preset dictionary, anything behind the end that is
// no further gzip member.

/// A resumable decoder of one body.
package struct ContentDecoder: Sendable {
  private enum Part {
    // gzip
    case member, extraLength, extra, name, comment, headerChecksum, memberEnd
    // zlib
    case wrapper, adler
    case data
    case end
  }

  private enum Form { case gzip, zlib, bare }

  private var part: Part
  private var form: Form
  private var source = BitSource()
  private var inflater = Inflater()
  /// The checksum of what was made of this member, as its form has it.
  private var checksum: UInt32 = 0
  private var made: UInt32 = 0
  private var isFirst = true
  /// Bytes of the fixed part of a gzip header, or of its extra field, that have been read or are to come.
  private var headerRead = 0
  private var extraLeft = 0
  private var flags = 0
  private var headerChecksum: UInt32 = 0
  private var fault: ContentFault?

  /// - Parameter coding: `gzip` or `deflate`.
  package init(_ coding: ContentCoding) {
    form = coding == .gzip ? .gzip : .zlib
    part = coding == .gzip ? .member : .wrapper
  }

  /// Whether the body could end here: a body without a byte is empty in every coding.
  package var isWhole: Bool {
    switch part {
    case .end: true
    case .member: headerRead == 0 && source.count == 0
    case .wrapper: source.count == 0
    default: false
    }
  }

  /// Reads on. After a fault every further call throws the same one.
  ///
  /// - Parameters:
  ///   - at: the place in `input` up to which it has been read.
  ///   - limit: how many bytes may be appended to `out`.
  /// - Returns: whether more may come of what has been read, which is asked for with another call.
  package mutating func next(
    _ input: Span<UInt8>, from at: inout Int, into out: inout ByteQueue, limit: Int
  ) throws(ContentFault) -> Bool {
    if let fault { throw fault }
    let ceiling = out.count + limit
    do throws(ContentFault) {
      while true {
        source.fill(input, &at)
        if case .data = part {
          let before = out.count
          defer { note(out.bytes.extracting(before...)) }
          switch try inflater.next(&source, input, &at, into: &out, limit: ceiling - before) {
          case .more: return false
          case .full: return true
          case .end: endData()
          }
        } else if try !readPart() {
          if at == input.count { return false }
        }
      }
    } catch {
      fault = error
      throw error
    }
  }

  /// The body ends here.
  package mutating func finish() throws(ContentFault) {
    if let fault { throw fault }
    guard isWhole else {
      fault = .truncated
      throw .truncated
    }
  }

  private mutating func note(_ bytes: Span<UInt8>) {
    if bytes.isEmpty { return }
    made &+= UInt32(truncatingIfNeeded: bytes.count)
    switch form {
    case .gzip: checksum = CRC32.of(bytes, after: checksum)
    case .zlib: checksum = Adler32.of(bytes, after: checksum)
    case .bare: break
    }
  }

  private mutating func beginData() {
    inflater.reset()
    checksum = form == .zlib ? 1 : 0
    made = 0
    part = .data
  }

  private mutating func endData() {
    source.align()
    part = form == .gzip ? .memberEnd : form == .zlib ? .adler : .end
  }

  // MARK: What stands around the data

  /// Takes a step; false where bytes are missing.
  private mutating func readPart() throws(ContentFault) -> Bool {
    switch part {
    case .wrapper: return try readWrapper()
    case .adler:
      guard let sum = source.take(32) else { return false }
      // The highest byte comes first (RFC 1950 section 2.2).
      if UInt32(truncatingIfNeeded: sum).byteSwapped != checksum { throw .checksum }
      part = .end
    case .end:
      if source.count == 0 { return false }
      throw .trailing
    case .memberEnd:
      guard source.count >= 64 else { return false }
      if UInt32(truncatingIfNeeded: source.take(32) ?? 0) != checksum { throw .checksum }
      if UInt32(truncatingIfNeeded: source.take(32) ?? 0) != made { throw .length }
      isFirst = false
      headerRead = 0
      part = .member
    default: return try readGzipHead()
    }
    return true
  }

  private mutating func readWrapper() throws(ContentFault) -> Bool {
    guard source.count >= 16 else { return false }
    let method = Int(source.bits & 0xFF)
    let both = method << 8 | Int(source.bits >> 8 & 0xFF)
    // Bare data that begins so is a stored block with bits set that no sender sets.
    if method & 15 == 8, method >> 4 <= 7, both % 31 == 0 {
      if both & 0x20 != 0 { throw .dictionary }
      source.drop(16)
    } else {
      form = .bare
    }
    beginData()
    return true
  }

  /// Takes a byte of a gzip header, or the whole of its checksum.
  private mutating func readGzipHead() throws(ContentFault) -> Bool {
    if case .headerChecksum = part {
      guard let sum = source.take(16) else { return false }
      if sum != Int(headerChecksum & 0xFFFF) { throw .headerChecksum }
      beginData()
      return true
    }
    guard let byte = source.take(8) else { return false }
    let taken = [UInt8(truncatingIfNeeded: byte)] as InlineArray<1, UInt8>
    headerChecksum = CRC32.of(taken.span, after: headerRead == 0 ? 0 : headerChecksum)
    headerRead += 1
    switch part {
    case .member:
      switch headerRead {
      case 1: if byte != 0x1F { throw isFirst ? .notGzip : .trailing }
      case 2: if byte != 0x8B { throw isFirst ? .notGzip : .trailing }
      case 3: if byte != 8 { throw .method }
      case 4:
        if byte & 0xE0 != 0 { throw .flags }
        flags = byte
      case 10: nextPart(behind: 0)
      // The time, what the sender thinks of its compression, and its system.
      default: break
      }
    case .extraLength:
      // The lower byte comes first.
      extraLeft = headerRead == 11 ? byte : extraLeft | byte << 8
      if headerRead == 12 {
        if extraLeft == 0 { nextPart(behind: 2) } else { part = .extra }
      }
    case .extra:
      extraLeft -= 1
      if extraLeft == 0 { nextPart(behind: 2) }
    case .name: if byte == 0 { nextPart(behind: 3) }
    default: if byte == 0 { nextPart(behind: 4) }
    }
    return true
  }

  /// Goes on to the next part of the header that the flags announce (RFC 1952 section 2.3.1): 1 for FHCRC, which is the
  /// last one, 2 for FEXTRA, 3 for FNAME, 4 for FCOMMENT.
  private mutating func nextPart(behind done: Int) {
    if done < 2, flags & 4 != 0 {
      part = .extraLength
    } else if done < 3, flags & 8 != 0 {
      part = .name
    } else if done < 4, flags & 16 != 0 {
      part = .comment
    } else if flags & 2 != 0 {
      part = .headerChecksum
    } else {
      beginData()
    }
  }
}

/// The checksum of zlib's format (RFC 1950 section 8.2).
enum Adler32 {
  private static let modulus: UInt32 = 65521
  /// So many bytes can be added up before the sums must be cut.
  private static let step = 5552

  static func of(_ bytes: Span<UInt8>, after earlier: UInt32) -> UInt32 {
    var low = earlier & 0xFFFF
    var high = earlier >> 16
    var at = 0
    while at < bytes.count {
      let end = min(at &+ step, bytes.count)
      while at < end {
        low &+= UInt32(bytes[at])
        high &+= low
        at &+= 1
      }
      low %= modulus
      high %= modulus
    }
    return high << 16 | low
  }
}

// The chain of an audit log's lines, and which of its files are kept.

import Detect
import Policy
import Testing
import Wire

struct AuditChainTests {
  private func log(_ says: [String], _ key: KeyedHash? = nil) -> [[UInt8]] {
    var chain = AuditChain(key: key)
    var out = ByteQueue()
    for text in says { chain.seal(Array(text.utf8).span, into: &out) }
    return out.array().split(separator: ASCII.lf).map { Array($0) }
  }

  private func verdict(_ lines: [[UInt8]], _ key: KeyedHash? = nil) -> Int? {
    var chain = AuditChain(key: key)
    for (at, line) in lines.enumerated() where chain.verify(line.span) != nil { return at }
    return nil
  }

  private let says = [#""a":1"#, #""a":"}","hash":"x""#, #""seq":9,"prev":"y""#, #""a":4"#]
  private let key = KeyedHash(key: Array("a key".utf8).span)

  @Test func aLineIsWhatThePageSays() throws {
    let lines = log(["\"a\":1"])
    let text = String(decoding: lines[0], as: UTF8.self)
    let bare = #"{"v":1,"seq":1,"a":1,"prev":""}"#
    var digest = SHA256()
    digest.append(Array(bare.utf8).span)
    let bytes = digest.finish()
    let hash = (0..<32).map { String(bytes[$0] >> 4, radix: 16) + String(bytes[$0] & 15, radix: 16) }.joined()
    #expect(text == bare.dropLast() + #","hash":"\#(hash)"}"#)
  }

  @Test func everyChangeIsFound() {
    for key in [nil, key] {
      let lines = log(says, key)
      #expect(verdict(lines, key) == nil)
      for at in lines.indices {
        for byte in lines[at].indices {
          var broken = lines
          broken[at][byte] ^= 1
          #expect(verdict(broken, key) == at, "byte \(byte) of line \(at)")
        }
        if at > 0, at < lines.count - 1 {
          var shorter = lines
          shorter.remove(at: at)
          #expect(verdict(shorter, key) == at)
          var swapped = lines
          swapped.swapAt(at, at + 1)
          #expect(verdict(swapped, key) == at)
        }
      }
    }
    #expect(verdict(log(says, key)) == 0)
  }

  @Test func aChainGoesOnBehindALine() {
    let lines = log(says)
    for cut in 1..<lines.count {
      var chain = AuditChain(key: nil)
      let before = lines[cut - 1]
      let isLine = chain.resume(behind: before.span)
      #expect(isLine)
      var out = ByteQueue()
      for text in says[cut..<says.count] { chain.seal(Array(text.utf8).span, into: &out) }
      #expect(out.array().split(separator: ASCII.lf).map { Array($0) } == Array(lines[cut..<lines.count]))
    }
  }

  @Test(arguments: [
    "", "{", "{}", #"{"v":1,"seq":}"#, #"{"v":1,"seq":0,"a":1}"#,
    #"{"v":1,"seq":99999999999999999999,"a":1}"#,
    #"{"v":2,"seq":1,"a":1}"#, "\u{0}\u{0}", #"{"v":1,"seq":1"#, #"{"v":1,"seq":-1,"a":1}"#,
  ])
  func whatIsNoLine(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(AuditChain.sequence(of: bytes.span) == nil)
    var chain = AuditChain(key: nil)
    let isLine = chain.resume(behind: bytes.span)
    #expect(!isLine)
    let problem = chain.verify(bytes.span)
    #expect(problem != nil)
  }
}

struct AuditKeepingTests {
  private let day = 86_400

  private func aside(_ number: Int, _ time: Int?, _ size: Int = 10) -> AuditKeeping.Aside {
    AuditKeeping.Aside(name: "f\(number)", sequence: number, lastTime: time, size: size)
  }

  @Test func aFileEndsWithItsDayAndAtItsSize() {
    let keeping = AuditKeeping(retention: nil, maxSize: 100, maxTotal: 0)
    #expect(!keeping.endsFile(0, day: nil, adding: 1000, at: 5 * day))
    #expect(!keeping.endsFile(60, day: 5, adding: 40, at: 5 * day + 7))
    #expect(keeping.endsFile(60, day: 5, adding: 41, at: 5 * day + 7))
    #expect(keeping.endsFile(1, day: 5, adding: 0, at: 6 * day))
    // A clock that steps back ends nothing, and neither does its step forward again.
    #expect(!keeping.endsFile(1, day: 5, adding: 0, at: 4 * day))
    #expect(!keeping.endsFile(1, day: 5, adding: 0, at: 6 * day - 1))
    #expect(
      !AuditKeeping(retention: nil, maxSize: 0, maxTotal: 0).endsFile(.max, day: 5, adding: 9, at: 5 * day))
  }

  @Test func whatIsOldGoesByItsLastLine() {
    let keeping = AuditKeeping(retention: 30 * day, maxSize: 0, maxTotal: 0)
    let files = [aside(3, 40 * day), aside(1, 9 * day), aside(2, nil), aside(4, 20 * day)]
    #expect(keeping.doomed(files, size: 0, at: 40 * day).map(\.sequence) == [1])
    #expect(keeping.doomed(files, size: 0, at: 39 * day) == [])
    // Back in time nothing is old.
    #expect(keeping.doomed(files, size: 0, at: 0) == [])
    #expect(keeping.doomed(files, size: 0, at: 100 * day).map(\.sequence) == [1, 3, 4])
  }

  @Test func theOldestGoWhereAllAreTooLarge() {
    let keeping = AuditKeeping(retention: nil, maxSize: 0, maxTotal: 35)
    let files = [aside(3, 1), aside(1, 3), aside(2, nil)]
    #expect(keeping.doomed(files, size: 5, at: 9) == [])
    #expect(keeping.doomed(files, size: 6, at: 9).map(\.sequence) == [1])
    #expect(keeping.doomed(files, size: 99, at: 9).map(\.sequence) == [1, 2, 3])
  }
}

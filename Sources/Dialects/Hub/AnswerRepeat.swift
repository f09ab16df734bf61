// Pieces that are like the one before: of a stream nearly all events are, but for what the piece says, so that the reader
// needn't be asked anew (Wire/JSON/JSONTemplate.swift).

internal import Wire

extension AnswerWriter {
  /// What a reader can tell of again with another piece, and nothing else.
  enum Told {
    case nothing
    case text(choice: Int)
    case reasoning(choice: Int)
    case thinking(block: Int, choice: Int)
    case arguments(call: Int, choice: Int)
  }

  mutating func note(_ told: Told, _ piece: Span<UInt8> = Span()) {
    last = told
    toldCount &+= 1
    lastPiece = (Self.address(piece), piece.count)
  }

  /// Where the bytes lie, as a number.
  private static func address(_ bytes: Span<UInt8>) -> UInt {
    unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
  }

  /// How many things have been told, for `repeatable`.
  var tellings: Int { toldCount }

  /// Where in `data` the piece lies that is all that has been told since there were `count` tellings; nil where more was
  /// told, or something that can't be told `again`.
  func repeatable(since count: Int, in data: Span<UInt8>) -> Range<Int>? {
    guard toldCount == count &+ 1, lastPiece.count > 0 else { return nil }
    if case .nothing = last { return nil }
    let start = Self.address(data)
    guard lastPiece.address >= start, lastPiece.address - start <= UInt(data.count) else { return nil }
    let from = Int(lastPiece.address - start)
    guard from + lastPiece.count <= data.count else { return nil }
    return from..<from + lastPiece.count
  }

  /// Tells another piece of what the last one was of.
  mutating func again(_ piece: Span<UInt8>) {
    switch last {
    case .nothing: return
    case .text(let choice): text(piece, choice: choice)
    case .reasoning(let choice): reasoning(piece, choice: choice)
    case .thinking(let block, let choice):
      if !piece.isEmpty { thinking(block: block, text: piece, choice: choice) }
    case .arguments(let call, let choice): arguments(piece, call: call, choice: choice)
    }
  }
}

// Pieces that are like the one before: of a stream nearly all events are, but for what the piece says, so that the reader
// needn't be asked anew (Wire/JSON/JSONTemplate.swift).

internal import Wire

/// What has been told of an answer, as far as it can be told again with another piece.
struct Tellings {
  /// What a reader can tell of again with another piece, and nothing else.
  enum Told {
    case nothing
    case text(choice: Int)
    case reasoning(choice: Int)
    case thinking(block: Int, choice: Int)
    case arguments(call: Int, choice: Int)
  }

  /// What was told last.
  var last = Told.nothing
  /// How many pieces and other things have been told.
  private(set) var count = 0
  /// Where the last piece lies in memory, and its length: no more than numbers.
  private var piece: (address: UInt, count: Int) = (0, 0)

  mutating func note(_ told: Told, _ piece: Span<UInt8>) {
    last = told
    count &+= 1
    self.piece = (Self.address(piece), piece.count)
  }

  /// Where the bytes lie, as a number.
  private static func address(_ bytes: Span<UInt8>) -> UInt {
    unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
  }

  /// Where in `data` the piece lies that is all that has been told since there were `count` tellings; nil where more was
  /// told, or something that can't be told again.
  func repeatable(since count: Int, in data: Span<UInt8>) -> Range<Int>? {
    guard self.count == count &+ 1, piece.count > 0 else { return nil }
    if case .nothing = last { return nil }
    let start = Self.address(data)
    guard piece.address >= start, piece.address - start <= UInt(data.count) else { return nil }
    let from = Int(piece.address - start)
    guard from + piece.count <= data.count else { return nil }
    return from..<from + piece.count
  }
}

extension AnswerWriter {
  mutating func note(_ told: Tellings.Told, _ piece: Span<UInt8> = Span()) { tellings.note(told, piece) }

  /// Tells another piece of what the last one was of.
  mutating func again(_ piece: Span<UInt8>) {
    switch tellings.last {
    case .nothing: return
    case .text(let choice): text(piece, choice: choice)
    case .reasoning(let choice): reasoning(piece, choice: choice)
    case .thinking(let block, let choice):
      if !piece.isEmpty { thinking(block: block, text: piece, choice: choice) }
    case .arguments(let call, let choice): arguments(piece, call: call, choice: choice)
    }
  }
}

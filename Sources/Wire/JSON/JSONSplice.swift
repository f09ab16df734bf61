// Changes a few members of a text and leaves every other byte as it was: key order, spelling of numbers,
// escapes, white space. Offsets are those of the original text, as JSONScanner reports them, so edits need
// no order.

/// Why an edit was refused; the splice is as it was before.
package enum JSONSpliceFault: Error, Equatable, Sendable {
  /// It touches bytes that another edit replaces or removes.
  case overlappingEdits
  case tooManyEdits
  case tooManyBytes
  /// The text isn't an object, or the member's value has not been seen to its end.
  case misplacedEdit
}

/// A bounded list of edits over one text, in the text's order, kept from request to request for its memory.
package struct JSONSplice: ~Copyable, Sendable {
  /// Above this much memory, what a rare large edit left behind is given back by `removeAll`.
  private static let keptCapacity = 64 << 10
  private static let keptEdits = 512

  fileprivate enum Purpose: UInt8 {
    case change, removal, member
  }

  fileprivate struct Edit {
    var purpose: Purpose
    /// Bytes lower..<upper of the original go.
    var lower: Int
    var upper: Int
    /// What comes in their place, as offsets into `texts`.
    var textStart = 0
    var textEnd = 0
    /// Of a removal: the run of members that goes, and the commas around it; -1 where there is none.
    var memberStart = 0
    var memberEnd = 0
    var precedingComma = -1
    var followingComma = -1
  }

  private struct Progress {
    var next = 0
    /// Bytes before this offset have been dealt with.
    var done = 0
  }

  private let editCeiling: Int
  private let byteCeiling: Int
  private var edits: [Edit] = []
  private var texts: [UInt8] = []
  private var progress = Progress()
  /// Whether the object into which members are inserted has none of its own.
  private var insertsIntoEmpty = false

  /// - Parameters:
  ///   - editCeiling: how many edits one text may have.
  ///   - byteCeiling: how many bytes they may bring in all.
  package init(editCeiling: Int = 64, byteCeiling: Int = 16 << 20) {
    self.editCeiling = editCeiling
    self.byteCeiling = byteCeiling
  }

  package var isEmpty: Bool { edits.isEmpty }

  /// Forgets every edit, for the next text.
  package mutating func removeAll() {
    if edits.capacity > 0 { edits.removeAll(keepingCapacity: edits.capacity <= Self.keptEdits) }
    if texts.capacity > 0 { texts.removeAll(keepingCapacity: texts.capacity <= Self.keptCapacity) }
    progress = Progress()
    insertsIntoEmpty = false
  }

  /// Puts `bytes` in the place of `range`.
  package mutating func replace(
    _ range: Range<Int>, with bytes: Span<UInt8>
  ) throws(JSONSpliceFault) {
    try add(Edit(purpose: .change, lower: range.lowerBound, upper: range.upperBound), bytes)
  }

  /// Puts `bytes` before the byte at `offset`; of several at one place the first one called comes first.
  package mutating func insert(at offset: Int, _ bytes: Span<UInt8>) throws(JSONSpliceFault) {
    try add(Edit(purpose: .change, lower: offset, upper: offset), bytes)
  }

  /// Puts a member, written as `"key":value`, at the front of the text's object, with the comma it needs.
  ///
  /// - Parameter scanner: has read the object's first member or its end.
  package mutating func insertMember(
    _ bytes: Span<UInt8>, in scanner: borrowing JSONScanner
  ) throws(JSONSpliceFault) {
    guard let brace = scanner.openBrace else { throw .misplacedEdit }
    try add(Edit(purpose: .member, lower: brace + 1, upper: brace + 1), bytes)
    insertsIntoEmpty = scanner.isEmptyObject
  }

  /// Takes a member out, with exactly one comma where there is one, so that the rest stays an object.
  package mutating func remove(_ member: JSONScanner.Found) throws(JSONSpliceFault) {
    guard member.isComplete else { throw .misplacedEdit }
    try remove(
      Edit(
        purpose: .removal, lower: 0, upper: 0,
        memberStart: member.key.lowerBound, memberEnd: member.value.upperBound,
        precedingComma: member.precedingComma ?? -1, followingComma: member.followingComma ?? -1))
  }

  /// Takes a member of the text's own object out that a cursor has found, as above.
  ///
  /// - Parameters:
  ///   - key: between its quotes.
  ///   - bytes: the text.
  package mutating func remove(
    key: Range<Int>, value: Range<Int>, in bytes: Span<UInt8>
  ) throws(JSONSpliceFault) {
    guard key.lowerBound > 0, value.upperBound <= bytes.count else { throw .misplacedEdit }
    var edit = Edit(
      purpose: .removal, lower: 0, upper: 0, memberStart: key.lowerBound - 1, memberEnd: value.upperBound)
    var before = key.lowerBound - 2
    while before >= 0, JSONBytes.isSpace(bytes[before]) { before -= 1 }
    if before >= 0, bytes[before] == ASCII.comma { edit.precedingComma = before }
    var behind = value.upperBound
    while behind < bytes.count, JSONBytes.isSpace(bytes[behind]) { behind += 1 }
    if behind < bytes.count, bytes[behind] == ASCII.comma { edit.followingComma = behind }
    try remove(edit)
  }

  private mutating func remove(_ removal: Edit) throws(JSONSpliceFault) {
    var edit = removal
    // Neighbours that go together share commas, so they become one edit. They are the nearest removals on either side.
    let start = edit.precedingComma >= 0 ? edit.precedingComma : edit.memberStart
    var left = edits.count - 1
    while left >= 0, edits[left].lower >= start || edits[left].purpose != .removal { left -= 1 }
    var right = left + 1
    while right < edits.count, edits[right].purpose != .removal { right += 1 }
    let joinsLeft = left >= 0 && edit.precedingComma >= 0 && edits[left].followingComma == edit.precedingComma
    let joinsRight =
      right < edits.count && edit.followingComma >= 0
      && edits[right].precedingComma == edit.followingComma
    if joinsLeft {
      edit.memberStart = edits[left].memberStart
      edit.precedingComma = edits[left].precedingComma
    }
    if joinsRight {
      edit.memberEnd = edits[right].memberEnd
      edit.followingComma = edits[right].followingComma
    }
    if edit.precedingComma >= 0 {
      (edit.lower, edit.upper) = (edit.precedingComma, edit.memberEnd)
    } else {
      (edit.lower, edit.upper) = (edit.memberStart, max(edit.memberEnd, edit.followingComma + 1))
    }
    // All between the two, and those beside them: the edits before lie further left, and don't overlap one another.
    for at in max(left - 1, 0)..<min(right + 2, edits.count)
    where !(joinsLeft && at == left) && !(joinsRight && at == right) && edits[at].overlaps(edit) {
      throw .overlappingEdits
    }
    // The right one first, so that the left one's index stays true.
    if joinsRight { edits.remove(at: right) }
    if joinsLeft { edits.remove(at: left) }
    try add(edit, Span())
  }

  private mutating func add(_ new: Edit, _ bytes: Span<UInt8>) throws(JSONSpliceFault) {
    var edit = new
    guard edit.lower >= 0 else { throw .misplacedEdit }
    guard edits.count < editCeiling else { throw .tooManyEdits }
    guard bytes.count <= byteCeiling - texts.count else { throw .tooManyBytes }
    // Edits mostly come in order, so the place is sought from the end.
    var place = edits.count
    while place > 0, edit.precedes(edits[place - 1]) { place -= 1 }
    if place > 0, edits[place - 1].overlaps(edit) { throw .overlappingEdits }
    if place < edits.count, edits[place].overlaps(edit) { throw .overlappingEdits }
    edit.textStart = texts.count
    // SAFETY: the pointer is used only inside the closure.
    unsafe bytes.withUnsafeBufferPointer { unsafe texts.append(contentsOf: $0) }
    edit.textEnd = texts.count
    edits.insert(edit, at: place)
  }
}

// MARK: Carrying out

extension JSONSplice {
  /// Appends the edited form of `bytes`, the whole text.
  package func apply(to bytes: Span<UInt8>, into queue: inout ByteQueue) {
    var progress = Progress()
    write(bytes, base: 0, &progress, into: &queue)
  }

  /// Appends the edited form of the next piece of a text that arrives in pieces, in order.
  ///
  /// Every edit that touches a piece must have been made before the piece is applied.
  /// - Parameter base: the piece's offset in the text.
  package mutating func apply(piece: Span<UInt8>, base: Int, into queue: inout ByteQueue) {
    var progress = self.progress
    write(piece, base: base, &progress, into: &queue)
    self.progress = progress
  }

  /// Appends the edited form of a text that is at hand, from `start` on, until `queue` holds `ceiling` bytes or the text
  /// ends. An edit may take out more than that: what it leaves nothing of is passed over, so that there is always
  /// something to send where there is something left.
  ///
  /// - Returns: up to where the text has been dealt with.
  package mutating func fill(
    _ queue: inout ByteQueue, upTo ceiling: Int, from text: Span<UInt8>, at start: Int
  ) -> Int {
    var at = start
    while at < text.count, queue.count < ceiling {
      let end = min(at + ceiling - queue.count, text.count)
      apply(piece: text.extracting(at..<end), base: at, into: &queue)
      at = end
    }
    return at
  }

  /// Moves a passing text on, edited and in chunks, until `out` holds `ceiling` bytes or what is decided has gone.
  ///
  /// - Parameters:
  ///   - held: what is here of the text; what has gone is taken off it.
  ///   - start: the offset of its first byte in the text.
  ///   - decided: the offset of the first byte that may still come to be edited.
  package mutating func pass(
    _ held: inout ByteQueue, from start: inout Int, to decided: Int, into out: inout ByteQueue,
    upTo ceiling: Int, pool: BlockPool?
  ) {
    while true {
      let count = min(decided - start, held.count, ceiling - out.count)
      if count <= 0 { return }
      pass(piece: held.bytes.extracting(0..<count), base: start, into: &out, pool: pool)
      held.consume(count)
      start += count
    }
  }

  private mutating func pass(
    piece: Span<UInt8>, base: Int, into out: inout ByteQueue, pool: BlockPool?
  ) {
    guard touches(base..<base + piece.count) else { return HeadWriter.chunk(piece, to: &out) }
    var edited = ByteQueue(pool: pool)
    apply(piece: piece, base: base, into: &edited)
    HeadWriter.chunk(edited.bytes, to: &out)
    forgetApplied()
  }

  /// Whether the piece of the text that is `range` is changed, by edits that have not been carried out yet or by the
  /// rest of one that has.
  package func touches(_ range: Range<Int>) -> Bool {
    if progress.done > range.lowerBound { return true }
    return progress.next < edits.count && edits[progress.next].lower <= range.upperBound
  }

  /// The bytes that go, where the text changes in one place only: an empty range for no edit at all, nil for more
  /// than one, or a member that goes in.
  ///
  /// - Parameter text: takes what comes in their place; stays as it is where nil is returned.
  package func onlyChange(_ text: inout ByteQueue) -> Range<Int>? {
    guard let edit = edits.first else {
      text.clear()
      return 0..<0
    }
    guard edits.count == 1, edit.purpose != .member else { return nil }
    text.clear()
    text.append(texts.span.extracting(edit.textStart..<edit.textEnd))
    return edit.lower..<edit.upper
  }

  /// Forgets the edits that were carried out, so that a text of any length can be edited as it passes.
  package mutating func forgetApplied() {
    edits.removeFirst(progress.next)
    progress.next = 0
    if edits.isEmpty { texts.removeAll(keepingCapacity: true) }
  }

  /// The length of the edited form of a text of `originalCount` bytes: what `Content-Length` will say.
  package func resultCount(for originalCount: Int) -> Int {
    var count = originalCount
    for at in edits.indices where edits[at].lower <= originalCount {
      count -= min(edits[at].upper, originalCount) - edits[at].lower
      count += edits[at].textEnd - edits[at].textStart + (needsComma(at) ? 1 : 0)
    }
    return count
  }

  private func write(
    _ piece: Span<UInt8>, base: Int, _ progress: inout Progress, into queue: inout ByteQueue
  ) {
    guard base >= 0 else { return }
    let end = base + piece.count
    var at = max(base, progress.done)
    while progress.next < edits.count, edits[progress.next].lower <= end {
      let edit = edits[progress.next]
      if edit.lower > at { queue.append(piece.extracting(at - base..<edit.lower - base)) }
      queue.append(texts.span.extracting(edit.textStart..<edit.textEnd))
      if needsComma(progress.next) { queue.append(ASCII.comma) }
      at = max(at, edit.upper)
      progress.done = at
      progress.next += 1
    }
    if at < end { queue.append(piece.extracting(at - base..<piece.count)) }
  }

  /// Whether a comma goes behind the text of the edit: behind an inserted member, unless nothing follows.
  private func needsComma(_ index: Int) -> Bool {
    guard edits[index].purpose == .member else { return false }
    if index + 1 < edits.count, edits[index + 1].purpose == .member { return true }
    if insertsIntoEmpty { return false }
    return !edits.contains { $0.purpose == .removal && $0.precedingComma < 0 && $0.followingComma < 0 }
  }
}

extension JSONSplice.Edit {
  /// Whether this edit belongs before `other`: at one place, what only inserts comes before what replaces.
  fileprivate func precedes(_ other: Self) -> Bool {
    lower < other.lower || (lower == other.lower && lower == upper && other.upper > other.lower)
  }

  /// Whether both replace a byte, or one inserts inside of what the other replaces.
  fileprivate func overlaps(_ other: Self) -> Bool {
    lower < other.upper && other.lower < upper
  }
}

// National numbers that are digits only: which groups they have, what checks them, and the words that they need.

internal import Wire

enum NationalNumbers {
  struct Row: Sendable {
    let entity: Entity
    /// Groups' lengths with one sign between them, as a number's hexadecimal digits.
    let shapes: [UInt32]
    let check: @Sendable (Digits) -> Bool
    let needs: Hints
    let score: Int
  }

  /// All that are looked for here.
  static let all = Entities(
    ([
      .ukNHS, .deTaxID, .frNIR, .nlBSN, .plPESEL, .sePN, .brCPF, .brCNPJ, .inAadhaar, .caSIN, .auTFN,
      .auMedicare, .passport, .driversLicense,
    ] as [Entity]).map(Entities.init))

  /// Whether one may begin with group `at`, by its length and the next one's: most can't.
  @inline(__always)
  static func mayBegin(_ run: borrowing NumberRun, _ at: Int) -> Bool {
    let next = run.length(at &+ 1)
    switch run.length(at) {
    case 1: return next == 2
    case 2, 3: return next == 3
    case 4: return next >= 3 && next <= 5
    case 5: return false
    case 6: return next == 4
    default: return true
    }
  }

  /// The number that begins with group `at`.
  static func find(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, at: Int, _ wanted: Entities, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    var left = places.span[min(run.length(at), 15)]
    let shapes = shapes
    var range = 0..<0
    var (said, asked): (Hints, Int) = ([], 0)
    while left != 0 {
      let (shape, place, needs, entity) = shapes.span[left.trailingZeroBitCount]
      left &= left &- 1
      guard run.has(shape, from: at), wanted.contains(entity) else { continue }
      let groups = shape > 0xF ? (35 - shape.leadingZeroBitCount) >> 2 : 1
      if groups != asked {
        asked = groups
        range = run.place(at..<at + groups)
        said = around.hints(text, range)
        // All that have one group need words.
        if groups == 1, said.isEmpty { left &= ~singles }
      }
      // Most often nothing near says so, which is found out sooner than whether the digits are right.
      if !needs.isEmpty, said.isDisjoint(with: needs) { continue }
      let row = rows[place]
      guard run.isFree(text, behind: at + groups - 1), row.check(run.digits(at..<at + groups, text)) else {
        continue
      }
      return (groups, Finding(range, row.entity, row.score))
    }
    return special(run, text, at, wanted, &around)
  }

  /// Lengths above nine can't be written as digits, so these stand apart.
  private static func special(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ wanted: Entities, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    guard run[at].count >= 10, run.isFree(text, behind: at) else { return dotted(run, text, at, wanted) }
    let place = run.place(at..<at + 1)
    let digits = run.digits(at..<at + 1, text)
    let found: (Entity, Hints, Int)?
    switch digits.count {
    case 10:
      if wanted.contains(.ukNHS), around.says(.nhs, text, place), Checksum.nhs(digits) {
        found = (.ukNHS, .nhs, 95)
      } else if wanted.contains(.auMedicare), around.says(.medicare, text, place), Checksum.medicare(digits) {
        found = (.auMedicare, .medicare, 95)
      } else if wanted.contains(.sePN), around.says(.sePN, text, place), Checksum.swedish(digits) {
        found = (.sePN, .sePN, 95)
      } else {
        found = nil
      }
    case 11:
      if wanted.contains(.deTaxID), around.says(.deTax, text, place), Checksum.germanTax(digits) {
        found = (.deTaxID, .deTax, 95)
      } else if wanted.contains(.plPESEL), around.says(.pesel, text, place), Checksum.pesel(digits) {
        found = (.plPESEL, .pesel, 95)
      } else if wanted.contains(.brCPF), around.says(.cpf, text, place), Checksum.cpf(digits) {
        found = (.brCPF, .cpf, 95)
      } else {
        found = nil
      }
    case 12:
      if wanted.contains(.inAadhaar), around.says(.aadhaar, text, place), digits[0] >= 2,
        Checksum.verhoeff(digits)
      {
        found = (.inAadhaar, .aadhaar, 95)
      } else if wanted.contains(.sePN), around.says(.sePN, text, place), Checksum.swedish(digits.part(2..<12))
      {
        found = (.sePN, .sePN, 95)
      } else {
        found = nil
      }
    case 14:
      let isCompany =
        wanted.contains(.brCNPJ) && Checksum.cnpj(digits) && around.says(.cnpj, text, place)
      found = isCompany ? (.brCNPJ, .cnpj, 95) : nil
    case 15:
      found = wanted.contains(.frNIR) && Checksum.french(digits) ? (.frNIR, [], 85) : nil
    default: found = nil
    }
    return found.map { (1, Finding(place, $0.0, $0.2)) } ?? dotted(run, text, at, wanted)
  }

  /// Forms with several signs: `111.444.777-35`, `11.222.333/0001-81`, `811218-9876`.
  private static func dotted(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ wanted: Entities
  ) -> (groups: Int, finding: Finding)? {
    let sign = run.sign(at + 1)
    if sign == 0 || sign == ASCII.space { return nil }
    if wanted.contains(.brCPF), run[at].count == 3, isShaped("3.3.3-2", run, text, at),
      Checksum.cpf(run.digits(at..<at + 4, text))
    {
      return (4, Finding(run.place(at..<at + 4), .brCPF, 90))
    }
    if wanted.contains(.brCNPJ), run[at].count == 2, isShaped("2.3.3/4-2", run, text, at),
      Checksum.cnpj(run.digits(at..<at + 5, text))
    {
      return (5, Finding(run.place(at..<at + 5), .brCNPJ, 90))
    }
    if wanted.contains(.sePN), run[at].count >= 6,
      isShaped("6-4", run, text, at) || isShaped("8-4", run, text, at)
    {
      let digits = run.digits(at..<at + 2, text)
      let short = digits.count == 12 ? digits.part(2..<12) : digits
      if Checksum.swedish(short) { return (2, Finding(run.place(at..<at + 2), .sePN, 85)) }
    }
    return nil
  }

  /// Whether the groups from `at` on have the lengths and the signs that `form` says, and nothing else follows.
  private static func isShaped(
    _ form: StaticString, _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int
  ) -> Bool {
    let form = form.bytes
    let groups = form.count / 2 + 1
    guard at + groups <= run.count else { return false }
    for place in 0..<groups {
      let group = run[at + place]
      if group.count != Int(form[place * 2] & 0x0F) || place > 0 && group.sign != form[place * 2 - 1] {
        return false
      }
    }
    return run.isFree(text, behind: at + groups - 1)
  }

  private static let rows: [Row] = [
    Row(entity: .ukNHS, shapes: [0x334], check: Checksum.nhs, needs: .nhs, score: 95),
    Row(entity: .deTaxID, shapes: [0x2333], check: Checksum.germanTax, needs: .deTax, score: 95),
    Row(entity: .frNIR, shapes: [0x1222332], check: { Checksum.french($0) }, needs: [], score: 90),
    Row(
      entity: .nlBSN, shapes: [0x9, 0x333, 0x432], check: Checksum.dutch, needs: .bsn, score: 95),
    Row(
      entity: .inAadhaar, shapes: [0x444], check: { $0[0] >= 2 && Checksum.verhoeff($0) },
      needs: .aadhaar,
      score: 95),
    Row(
      entity: .caSIN, shapes: [0x333, 0x9],
      check: { $0[0] != 0 && $0[0] != 8 && Checksum.luhn($0) }, needs: .sin, score: 95),
    Row(
      entity: .auTFN, shapes: [0x333, 0x9, 0x332],
      check: { $0.count == 9 && Checksum.australianTax($0) }, needs: .tfn, score: 95),
    Row(
      entity: .auMedicare, shapes: [0x451], check: Checksum.medicare, needs: .medicare, score: 95),
    Row(entity: .passport, shapes: [0x9], check: { _ in true }, needs: .passport, score: 60),
    Row(
      entity: .driversLicense, shapes: [0x9, 0x8, 0x7], check: { _ in true }, needs: .license,
      score: 55),
  ]

  /// All shapes of all rows, whose they are, and what that row needs and finds.
  private static let shapes: [(UInt32, Int, Hints, Entity)] = rows.indices.flatMap { row in
    rows[row].shapes.map { ($0, row, rows[row].needs, rows[row].entity) }
  }

  /// A bit for each shape of one group.
  private static let singles: UInt32 = shapes.indices.reduce(0) {
    shapes[$1].0 > 0xF ? $0 : $0 | 1 << UInt32($1)
  }

  /// For each length of a first group, a bit for each shape that begins so.
  private static let places: [UInt32] = (0..<16).map { (length: UInt32) -> UInt32 in
    var places: UInt32 = 0
    for (place, (shape, _, _, _)) in shapes.enumerated()
    where shape >> UInt32((31 - shape.leadingZeroBitCount) & ~3) == length { places |= 1 << UInt32(place) }
    return places
  }
}

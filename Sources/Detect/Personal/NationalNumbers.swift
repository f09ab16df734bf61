// National numbers that are digits only: which groups they have, what checks them, and the words that they need.

internal import Wire

enum NationalNumbers {
  struct Row: Sendable {
    let entity: Entity
    /// Groups' lengths with one sign between them.
    let shapes: [StaticString]
    /// The sign; nil: any.
    let sign: UInt8?
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

  /// The number that begins with group `at`.
  static func find(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, at: Int, _ wanted: Entities, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    for row in rows.indices {
      guard wanted.contains(rows[row].entity) else { continue }
      for shape in rows[row].shapes where run.has(shape, from: at) {
        let groups = shape.utf8CodeUnitCount
        if groups > 1, let sign = rows[row].sign, run[at + 1].sign != sign { continue }
        guard run.isFree(text, behind: at + groups - 1), rows[row].check(run.digits(at..<at + groups)) else {
          continue
        }
        let place = run.place(at..<at + groups)
        let needs = rows[row].needs
        if !needs.isEmpty, around.said(text, place).isDisjoint(with: needs) { continue }
        return (groups, Finding(place, rows[row].entity, rows[row].score))
      }
    }
    return special(run, text, at, wanted, &around)
  }

  /// Lengths above nine can't be written as digits, so these stand apart.
  private static func special(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ wanted: Entities, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    guard run.isFree(text, behind: at) else { return dotted(run, text, at, wanted) }
    let place = run.place(at..<at + 1)
    let digits = run.digits(at..<at + 1)
    let found: (Entity, Hints, Int)?
    switch digits.count {
    case 10:
      let said = around.said(text, place)
      if wanted.contains(.ukNHS), said.contains(.nhs), Checksum.nhs(digits) {
        found = (.ukNHS, .nhs, 95)
      } else if wanted.contains(.auMedicare), said.contains(.medicare), Checksum.medicare(digits) {
        found = (.auMedicare, .medicare, 95)
      } else if wanted.contains(.sePN), said.contains(.sePN), Checksum.swedish(digits) {
        found = (.sePN, .sePN, 95)
      } else {
        found = nil
      }
    case 11:
      let said = around.said(text, place)
      if wanted.contains(.deTaxID), said.contains(.deTax), Checksum.germanTax(digits) {
        found = (.deTaxID, .deTax, 95)
      } else if wanted.contains(.plPESEL), said.contains(.pesel), Checksum.pesel(digits) {
        found = (.plPESEL, .pesel, 95)
      } else if wanted.contains(.brCPF), said.contains(.cpf), Checksum.cpf(digits) {
        found = (.brCPF, .cpf, 95)
      } else {
        found = nil
      }
    case 12:
      let said = around.said(text, place)
      if wanted.contains(.inAadhaar), said.contains(.aadhaar), digits[0] >= 2, Checksum.verhoeff(digits) {
        found = (.inAadhaar, .aadhaar, 95)
      } else if wanted.contains(.sePN), said.contains(.sePN), Checksum.swedish(digits.part(2..<12)) {
        found = (.sePN, .sePN, 95)
      } else {
        found = nil
      }
    case 14:
      let isCompany =
        wanted.contains(.brCNPJ) && Checksum.cnpj(digits) && around.said(text, place).contains(.cnpj)
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
    if wanted.contains(.brCPF), run[at].count == 3, isShaped("3.3.3-2", run, text, at),
      Checksum.cpf(run.digits(at..<at + 4))
    {
      return (4, Finding(run.place(at..<at + 4), .brCPF, 90))
    }
    if wanted.contains(.brCNPJ), run[at].count == 2, isShaped("2.3.3/4-2", run, text, at),
      Checksum.cnpj(run.digits(at..<at + 5))
    {
      return (5, Finding(run.place(at..<at + 5), .brCNPJ, 90))
    }
    if wanted.contains(.sePN), isShaped("6-4", run, text, at) || isShaped("8-4", run, text, at) {
      let digits = run.digits(at..<at + 2)
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
    Row(entity: .ukNHS, shapes: ["334"], sign: nil, check: Checksum.nhs, needs: .nhs, score: 95),
    Row(entity: .deTaxID, shapes: ["2333"], sign: nil, check: Checksum.germanTax, needs: .deTax, score: 95),
    Row(entity: .frNIR, shapes: ["1222332"], sign: nil, check: { Checksum.french($0) }, needs: [], score: 90),
    Row(
      entity: .nlBSN, shapes: ["9", "333", "432"], sign: nil, check: Checksum.dutch, needs: .bsn, score: 95),
    Row(
      entity: .inAadhaar, shapes: ["444"], sign: nil, check: { $0[0] >= 2 && Checksum.verhoeff($0) },
      needs: .aadhaar,
      score: 95),
    Row(
      entity: .caSIN, shapes: ["333", "9"], sign: nil,
      check: { $0[0] != 0 && $0[0] != 8 && Checksum.luhn($0) }, needs: .sin, score: 95),
    Row(
      entity: .auTFN, shapes: ["333", "9", "332"], sign: nil,
      check: { $0.count == 9 && Checksum.australianTax($0) }, needs: .tfn, score: 95),
    Row(
      entity: .auMedicare, shapes: ["451"], sign: nil, check: Checksum.medicare, needs: .medicare, score: 95),
    Row(entity: .passport, shapes: ["9"], sign: nil, check: { _ in true }, needs: .passport, score: 60),
    Row(
      entity: .driversLicense, shapes: ["9", "8", "7"], sign: nil, check: { _ in true }, needs: .license,
      score: 55),
  ]
}

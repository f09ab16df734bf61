// The readers of personal data and credentials: what is in the word, sign or number at which the walk (PersonalWalk.swift)
// stops. Each reads a bounded stretch. What was looked at in vain is passed over whole where nothing else can begin in it,
// so that the time is in proportion to the text whatever it holds.

internal import Wire

/// What is looked for in texts, made once of the configuration.
package struct PersonalData: Sendable {
  let entities: Entities
  let regions: Regions
  let secrets: SecretRules?
  /// Whether any national number is sought, and anything that is made of digits alone, and signs between them.
  private let seeksNational: Bool
  private let seeksNumbers: Bool

  /// - Parameter regions: where national telephone numbers are known by their form.
  package init(_ entities: Entities, regions: Regions = .all) {
    self.entities = entities
    self.regions = regions
    secrets = entities.contains(.secret) ? SecretRules.shared : nil
    seeksNational = !entities.isDisjoint(with: NationalNumbers.all)
    let others = Entities([.creditCard, .ip, .ssn, .dateOfBirth, .phone].map(Entities.init))
    seeksNumbers = seeksNational || !entities.isDisjoint(with: others)
    // Made now, and not while the first text waits.
    _ = ContextWords.shared
  }

  /// Looks at what is no letter.
  func sign(_ text: Span<UInt8>, _ at: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]) -> Int {
    switch Letters.kind(text[at]) {
    case .letter: word(text, at, &ahead, &findings)
    case .digit: number(text, at, &ahead, &findings)
    case .mark: mark(text, at, &ahead, &findings)
    case .inner, .other: at + 1
    }
  }

  // MARK: Words

  /// Looks at the word that begins with a letter at `start`.
  ///
  /// - Returns: where the walk goes on.
  @inline(never)
  func word(
    _ text: Span<UInt8>, _ start: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int {
    var at = start &+ 1
    var digits = 0
    scan: while at < text.count {
      switch Letters.kind(text[at]) {
      case .digit: digits &+= 1
      case .letter, .inner: break
      case .mark, .other: break scan
      }
      at &+= 1
    }
    if let secrets, at &- start > 1, let end = secrets.find(text, at: start, wordEnd: at, &ahead, &findings) {
      return max(end, at)
    }
    if digits > 0 { return mixed(text, start..<at, &ahead, &findings) }
    if at < text.count, text[at] == ASCII.colon || text[at] == UInt8(ascii: "-"), at &- start <= 4 {
      return hexadecimal(text, start..<at, &ahead, &findings) ?? at
    }
    if at &- start == 2, entities.contains(.ukNINO) { return spaced(text, start..<at, &findings) }
    return at
  }

  /// Looks whether two letters begin `AB 12 34 56 C`.
  private func spaced(_ text: Span<UInt8>, _ word: Range<Int>, _ findings: inout [Finding]) -> Int {
    guard Letters.isUpper(text[word.lowerBound]), word.upperBound + 1 < text.count,
      Letters.isDigit(text[word.upperBound + 1]), Letters.isFree(text, before: word.lowerBound),
      let found = Codes.find(text, word, Entities(.ukNINO))
    else { return word.upperBound }
    findings.append(Finding(word.lowerBound..<found.end, .ukNINO, 85))
    return found.end
  }

  /// Looks at a word of letters and digits.
  private func mixed(
    _ text: Span<UInt8>, _ word: Range<Int>, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int {
    let start = word.lowerBound
    if entities.contains(.iban), let place = Accounts.iban(text, at: start) {
      findings.append(Finding(place, .iban, 90))
      return place.upperBound
    }
    if word.count <= 4, let end = hexadecimal(text, word, &ahead, &findings) { return end }
    guard Letters.isFree(text, before: start) else { return word.upperBound }
    if entities.contains(.crypto), let score = Accounts.wallet(text, word),
      Letters.isFree(text, behind: word.upperBound)
    {
      findings.append(Finding(word, .crypto, score))
      return word.upperBound
    }
    if word.count <= 16, Letters.isFree(text, behind: word.upperBound) || word.count < 9,
      let found = Codes.find(text, word, entities)
    {
      let place = start..<found.end
      ahead.around.begin(0..<0)
      if found.needs.isEmpty || ahead.around.says(found.needs, text, place) {
        findings.append(Finding(place, found.entity, found.needs.isEmpty ? 85 : 60))
        return found.end
      }
    }
    return word.upperBound
  }

  /// Looks whether a short word begins an address of hexadecimal groups.
  private func hexadecimal(
    _ text: Span<UInt8>, _ word: Range<Int>, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int? {
    let start = word.lowerBound
    guard start >= ahead.hexEnd, word.upperBound < text.count, Letters.isHex(text[start]) else { return nil }
    if entities.contains(.mac), word.count == 2 || word.count == 4, let place = Network.mac(text, at: start) {
      findings.append(Finding(place, .mac, 85))
      return place.upperBound
    }
    guard entities.contains(.ip), text[word.upperBound] == ASCII.colon else { return nil }
    if let place = Network.ipv6(text, at: start, end: &ahead.hexEnd) {
      findings.append(Finding(place, .ip, 85))
      return place.upperBound
    }
    return nil
  }

  // MARK: Signs

  private func mark(_ text: Span<UInt8>, _ at: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding])
    -> Int
  {
    switch text[at] {
    case UInt8(ascii: "@"):
      guard entities.contains(.email), let place = Email.find(text, at: at, &ahead.scheme) else {
        return at + 1
      }
      findings.append(Finding(place, .email, 90))
      return place.upperBound
    case UInt8(ascii: "+"):
      guard entities.contains(.phone), at + 7 < text.count, !Letters.isWord(text, before: at) else {
        return at + 1
      }
      // `+(1) 212…`, `+ 1 212…`
      let first = at + 1
      guard Letters.isDigit(text[first]), let end = Phones.international(text, from: first) else {
        return at + 1
      }
      let place = at..<Phones.passExtension(text, end)
      findings.append(Finding(place, .phone, 80))
      return place.upperBound
    case UInt8(ascii: "("):
      guard entities.contains(.phone), !Letters.isWord(text, before: at),
        let end = Phones.parenthesised(text, at: at)
      else { return at + 1 }
      let place = at..<Phones.passExtension(text, end)
      findings.append(Finding(place, .phone, 80))
      return place.upperBound
    case ASCII.colon:
      guard entities.contains(.ip), at >= ahead.hexEnd, at + 2 < text.count, text[at + 1] == ASCII.colon,
        let place = Network.ipv6(text, at: at, end: &ahead.hexEnd)
      else { return at + 1 }
      findings.append(Finding(place, .ip, 85))
      return place.upperBound
    default:
      guard let secrets, let end = secrets.findTilde(text, at: at, &findings) else { return at + 1 }
      return end
    }
  }

  // MARK: Numbers

  /// Looks at what begins with a digit at `start`.
  private func number(
    _ text: Span<UInt8>, _ start: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int {
    var digitsEnd = start &+ 1
    while digitsEnd < text.count, Letters.isDigit(text[digitsEnd]) { digitsEnd &+= 1 }
    if digitsEnd &- start > Digits.ceiling { return digitsEnd }
    if digitsEnd < text.count {
      let next = text[digitsEnd]
      if Letters.isLetter(next) || next == 0x5F {
        var end = digitsEnd
        while end < text.count, Letters.isAlnum(text[end]) || text[end] == 0x5F { end &+= 1 }
        if let secrets, secrets.find(text, at: start, wordEnd: end, &ahead, &findings) != nil { return end }
        // It may be a date's day: `1st of May`, `12May`.
        let resumed = mixed(text, start..<end, &ahead, &findings)
        if resumed != end || end &- start > 5 || findings.last?.range.upperBound == end { return resumed }
        if !entities.contains(.dateOfBirth) { return end }
        return day(text, start..<digitsEnd, &ahead.around, &findings)
      } else if next == ASCII.colon || next == UInt8(ascii: "-") || next == UInt8(ascii: "."),
        digitsEnd &- start <= 4,
        let end = hexadecimal(text, start..<digitsEnd, &ahead, &findings)
      {
        return end
      }
    }
    // Six digits are nothing by themselves, unless they are an international number's first.
    if digitsEnd &- start <= 6, !NumberRun.goesOn(text, behind: digitsEnd),
      digitsEnd &- start <= 3 || text[start] != 0x30 || text[start &+ 1] != 0x30
    {
      return day(text, start..<digitsEnd, &ahead.around, &findings)
    }
    return numbers(text, start, &ahead, &findings)
  }

  /// Looks at a few digits that stand by themselves: they are no more than the day of a date.
  private func day(
    _ text: Span<UInt8>, _ digits: Range<Int>, _ around: inout Around, _ findings: inout [Finding]
  ) -> Int {
    guard entities.contains(.dateOfBirth), Letters.isFree(text, before: digits.lowerBound),
      let place = Dates.named(text, digits)
    else { return digits.upperBound }
    around.begin(digits)
    guard around.saysBefore(.birth, text, place) else { return digits.upperBound }
    findings.append(Finding(place, .dateOfBirth, 60))
    return max(place.upperBound, digits.upperBound)
  }

  /// Looks at a run of groups of digits.
  private func numbers(
    _ text: Span<UInt8>, _ start: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int {
    let run = NumberRun(text, from: start)
    ahead.around.begin(run.start..<run.end)
    // Of fewer digits than an address has, only a date can be made.
    let isNothing = run.isFew && !entities.contains(.dateOfBirth) || !seeksNumbers
    var at = isNothing ? run.count : 0
    while at < run.count {
      guard run.isFree(text, before: at) else {
        at += 1
        continue
      }
      if let (groups, finding) = find(run, text, at, &ahead.around) {
        findings.append(finding)
        // An address, a date or an extension may reach behind the groups.
        if finding.range.upperBound > run.end { return finding.range.upperBound }
        at += max(groups, 1)
        while at < run.count, run[at].start < finding.range.upperBound { at += 1 }
      } else {
        at += 1
      }
    }
    guard let last = run.lastWord(text, behind: findings.last?.range.upperBound ?? 0) else { return run.end }
    if last.mayBeMore { return last.group.lowerBound }
    return hexadecimal(text, last.group, &ahead, &findings) ?? run.end
  }

  private func find(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    // Glued to a word, the last one is no more than a day.
    if at == run.count - 1, run.end < text.count, Letters.isLetter(text[run.end]), run[at].end == run.end {
      return date(run, text, at, &around)
    }
    if Cards.mayBegin(run.length(at)), entities.contains(.creditCard), let card = card(run, text, at, &around)
    {
      return card
    }
    if entities.contains(.ip), run.sign(at + 1) == UInt8(ascii: "."), run.length(at) <= 3,
      let place = Network.ipv4(text, at: run[at].start),
      !ContextWords.shared.isVersion(text, before: place.lowerBound)
    {
      return (4, Finding(place, .ip, 80))
    }
    if entities.contains(.ssn), let ssn = socialSecurity(run, text, at, &around) { return ssn }
    if seeksNational, NationalNumbers.mayBegin(run, at),
      let national = NationalNumbers.find(run, text, at: at, entities, &around)
    {
      return national
    }
    if let date = date(run, text, at, &around) { return date }
    if entities.contains(.phone) { return phone(run, text, at, &around) }
    return nil
  }

  private func date(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    guard entities.contains(.dateOfBirth), let place = Dates.find(run, text, at: at),
      around.saysBefore(.birth, text, place)
    else { return nil }
    return (1, Finding(place, .dateOfBirth, 60))
  }

  private func card(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    guard let (groups, scheme) = Cards.find(run, text, at: at) else { return nil }
    let place = run.place(at..<at + groups)
    if around.says(.card, text, place) { return (groups, Finding(place, .creditCard, 95)) }
    let isMajor = scheme == .major
    guard isMajor || groups > 1 && scheme == .other else { return nil }
    if groups == 1, ContextWords.shared.isNegative(text, before: place.lowerBound) { return nil }
    return (groups, Finding(place, .creditCard, isMajor ? 80 : 70))
  }

  private func socialSecurity(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    let groups: Int
    if run.has(0x324, from: at) {
      groups = 3
    } else if run.has(0x9, from: at) {
      groups = 1
    } else {
      return nil
    }
    let place = run.place(at..<at + groups)
    // Without hyphens only words make one of it.
    let isSaid = around.says(.ssn, text, place)
    guard isSaid || groups == 3 && run.sign(at + 1) == UInt8(ascii: "-"),
      run.isFree(text, behind: at + groups - 1)
    else { return nil }
    let digits = run.digits(at..<at + groups, text)
    let area = digits.number(0..<3)
    let group = digits.number(3..<5)
    guard area != 0, area != 666, group != 0, digits.number(5..<9) != 0 else { return nil }
    if area >= 900 {
      guard
        (50...65).contains(group) || (70...88).contains(group) || (90...92).contains(group)
          || (94...99).contains(group)
      else { return nil }
    }
    if isSaid { return (groups, Finding(place, .ssn, 95)) }
    if ContextWords.shared.isNegative(text, before: place.lowerBound) { return nil }
    return (groups, Finding(place, .ssn, 80))
  }

  private func phone(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ around: inout Around
  ) -> (groups: Int, finding: Finding)? {
    let (start, length) = (run[at].start, run.length(at))
    let last = min(at &+ Phones.groupCeiling, run.count) &- 1
    if length > 3, run.digit(0, of: at, text) == 0, run.digit(1, of: at, text) == 0,
      // Where it is known to end in this run, the words around it are asked first.
      around.mayBePhone(text, start..<Phones.end(of: run, text, at: at)),
      let end = Phones.international(text, from: start + 2), around.isPhone(text, start..<end)
    {
      return (1, Finding(start..<Phones.passExtension(text, end), .phone, 80))
    }
    let groups: Int
    let form: Phones.Form
    if let formatted = Phones.formatted(run, text, at: at, regions) {
      (groups, form) = (formatted, .formatted)
    } else if run.total(at..<last + 1) >= 7, around.mayBePhone(text, start..<run[last].end),
      let found = Phones.byContext(run, text, at: at)
    {
      (groups, form) = found
    } else {
      return nil
    }
    let place = run.place(at..<at + groups)
    let isPhone = around.isPhone(text, place)
    guard isPhone || form == .formatted else { return nil }
    let isNegative = ContextWords.shared.isNegative(text, before: place.lowerBound)
    if form != .formatted {
      guard !isNegative, !isArgument(text, start) else { return nil }
      let isTime = run.total(at..<at + groups) == 10 && groups == 1 && run.digit(0, of: at, text) == 1
      if isTime, !around.saysNear(.phone, text, place) { return nil }
    } else if !isPhone, isNegative {
      return nil
    }
    let extended = place.lowerBound..<Phones.passExtension(text, place.upperBound)
    let score =
      switch form {
      case .formatted: isPhone ? 95 : 75
      case .strict: 70
      case .loose: 60
      }
    return (groups, Finding(extended, .phone, score))
  }

  /// Whether the number is handed to a function: `call foo(2221571288)`.
  private func isArgument(_ text: Span<UInt8>, _ at: Int) -> Bool {
    at > 1 && text[at - 1] == UInt8(ascii: "(") && Letters.isWord(text, before: at - 1)
  }
}

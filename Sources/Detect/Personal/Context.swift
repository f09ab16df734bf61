// The words around a number that say what it is. One walk over the neighbourhood finds all of them: it follows a tree
// of letters from each word's start.

internal import Wire

/// What the words around a place say.
struct Hints: OptionSet, Sendable {
  let rawValue: UInt32
  static let phone = Hints(rawValue: 1 << 0)
  static let card = Hints(rawValue: 1 << 1)
  static let ssn = Hints(rawValue: 1 << 2)
  static let birth = Hints(rawValue: 1 << 3)
  static let passport = Hints(rawValue: 1 << 4)
  static let license = Hints(rawValue: 1 << 5)
  static let nhs = Hints(rawValue: 1 << 6)
  static let deTax = Hints(rawValue: 1 << 7)
  static let bsn = Hints(rawValue: 1 << 8)
  static let pesel = Hints(rawValue: 1 << 9)
  static let sePN = Hints(rawValue: 1 << 10)
  static let cpf = Hints(rawValue: 1 << 11)
  static let cnpj = Hints(rawValue: 1 << 12)
  static let aadhaar = Hints(rawValue: 1 << 13)
  static let pan = Hints(rawValue: 1 << 14)
  static let sin = Hints(rawValue: 1 << 15)
  static let tfn = Hints(rawValue: 1 << 16)
  static let medicare = Hints(rawValue: 1 << 17)
  /// Right before a number: it is some other number.
  static let negative = Hints(rawValue: 1 << 18)
  /// Before dotted numbers: a version or a section.
  static let version = Hints(rawValue: 1 << 19)
  /// Behind a number: it is a telephone's.
  static let phoneBehind = Hints(rawValue: 1 << 20)
  /// Says nothing itself; its point ends no sentence.
  static let short = Hints(rawValue: 1 << 21)
  /// Says a telephone where it stands near: people call functions, too.
  static let weakPhone = Hints(rawValue: 1 << 23)
  /// Between a negative word and its number.
  static let filler = Hints(rawValue: 1 << 22)
}

/// The tree of all words. A word with a star may go on; blanks stand for anything between words.
struct ContextWords: Sendable {
  /// How far before a match words count, in bytes.
  static let before = 48
  /// How far behind it.
  static let behind = 24
  /// How far before it weak words count.
  static let near = 20
  private static let width = 27

  private var next: [Int16] = [Int16](repeating: 0, count: width)
  private var whole: [UInt32] = [0]
  private var open: [UInt32] = [0]

  /// For each first letter, a bit for each second one, and one for none.
  private var seconds: [UInt32] = []

  static let shared = ContextWords()

  private init() {
    for (hint, words) in Self.lists {
      for word in words.split(separator: "|") { add(Array(word.utf8), hint.rawValue) }
    }
    seconds = (0..<26).map { letter in
      let node = Int(next[letter])
      guard node > 0 else { return 0 }
      if whole[node] | open[node] != 0 { return .max }
      return (0..<Self.width).reduce(0) { next[node * Self.width + $1] == 0 ? $0 : $0 | 1 << UInt32($1) }
    }
  }

  private mutating func add(_ word: [UInt8], _ hint: UInt32) {
    var node = 0
    for byte in word where byte != UInt8(ascii: "*") {
      let place = node * Self.width + (byte == ASCII.space ? 26 : Int(byte) - 0x61)
      if next[place] == 0 {
        next[place] = Int16(whole.count)
        next.append(contentsOf: [Int16](repeating: 0, count: Self.width))
        whole.append(0)
        open.append(0)
      }
      node = Int(next[place])
    }
    if word.last == UInt8(ascii: "*") { open[node] |= hint } else { whole[node] |= hint }
  }

  private static let lists: [(Hints, String)] = [
    (
      .phone,
      "phone*|telephone*|tel|telef*|tlf|mobil*|cellphone|cellular|fax|telefax|whatsapp|sms|handy|call me|call us|"
        + "handynummer|rufnummer|festnetz|ruf|numero de tel*|celular|movil|portable|text me|hotline|"
        + "reach me|reach him|reach her|reach us|reached at|contact number|numero di tel*|cellulare|puhelin|komorka|telefoon"
    ),
    (.weakPhone, "call|calling|cell|dial|ring|signal|telegram"),
    (.phoneBehind, "office|fax|mobile|home|cell|phone|tel|work|whatsapp"),
    (
      .card,
      "card*|credit|debit|cc|ccn|visa|mastercard|amex|karte*|kreditkart*|kartennummer|carte|tarjeta*|carta di credito|"
        + "cvv|cvc|cvv2|pan|maestro|discover|diners|jcb|unionpay|cartao|kaart*"
    ),
    (.ssn, "ssn|ssns|social sec*|social security*|socialsecurity*|tax id|taxid|itin|taxpayer*|ss"),
    (
      .birth,
      "birth*|born|dob|d o b|date of birth|geburt*|geboren|geb|ne le|nee le|naissance|nacim*|nacid*|nasc*|nato il|nata il|"
        + "nascita|fodd*|fodel*|urodz*|birthday|birthdate|geboorte*|bday"
    ),
    (.passport, "passport*|reisepass*|passeport*|pasaporte*|passaporto|passnummer|paspoort*|passaporte"),
    (
      .license,
      "driver*|drivers licen*|driving licen*|licence*|license*|fuhrerschein*|permis de conduire|permis|patente|dl|"
        + "carnet de conducir|rijbewijs"
    ),
    (.nhs, "nhs*|national health"),
    (
      .deTax,
      "steuer*|steuer id|steuerid|idnr|tin|steuer identifikationsnummer|steuer ident*|steueridentifikationsnummer|tax id|"
        + "identifikationsnummer"
    ),
    (.bsn, "bsn|burgerservice*|sofinummer|sofi"),
    (.pesel, "pesel"),
    (.sePN, "personnummer*|personnr|pnr|person nr"),
    (.cpf, "cpf|cadastro de pessoas*"),
    (.cnpj, "cnpj"),
    (.aadhaar, "aadhaar*|aadhar*|adhaar|uidai|uid"),
    (.pan, "pan|permanent account*|income tax*"),
    (.sin, "sin|social insurance*|nas"),
    (.tfn, "tfn|tax file*"),
    (.medicare, "medicare*"),
    (
      .negative,
      "order|orders|invoice|ticket|tracking|case|ref|reference|transaction|txn|sku|isbn|serial|part|model|po|rfc|issue|"
        + "commit|id|uuid|timestamp|ts|port|pid|row|page|batch|lot|item|product|upc|ean|asin|build|job|trace|span|epoch"
    ),
    (.filler, "no|number|nr|num|nummer|id|code|is|was"),
    (
      .version,
      "version*|v|ver|release*|build|firmware|section|sections|chapter|oid|kernel|api|sdk|clause|paragraph|article|tag|"
        + "figure|windows|chrome|upgrade to|python|node"
    ),
    (.short, "tel|ph|mob|no|nr|num|tlf|geb|fon|cel|dr|mr|mrs|ms"),
  ]

  /// Where the words of a window begin: one that it cuts in two is none.
  static func wordStart(_ text: Span<UInt8>, _ from: Int, _ limit: Int) -> Int {
    var at = from
    while at < limit, Letters.isWord(text, before: at), text[at] != 0x5F { at += 1 }
    return at
  }

  /// What is said by the words that begin at `at`, if no more of the text counted than what is before `limit`.
  ///
  /// - Parameter reach: becomes the end of what was looked at: a later limit changes nothing.
  @inline(__always)
  func said(_ text: Span<UInt8>, _ at: Int, to limit: Int, _ reach: inout Int) -> UInt32 {
    mayBegin(text, at, to: limit) ? follow(text, at, to: limit, &reach) : 0
  }

  /// Whether a word of the tree can begin with what is at `at`. Its first two letters decide, and most words have others.
  @inline(__always)
  private func mayBegin(_ text: Span<UInt8>, _ at: Int, to limit: Int) -> Bool {
    guard Letters.isLetter(text[at]) else { return true }
    let next = at &+ 1 < limit ? text[at &+ 1] : ASCII.space
    if next >= 0xC3, next <= 0xC5 { return true }
    let second = Letters.isLetter(next) ? (next | 0x20) &- 0x61 : 26
    return seconds.span[Int((text[at] | 0x20) &- 0x61)] >> UInt32(second) & 1 == 1
  }

  /// Where it is known that a sentence ends with the sign at `at`; nil where none does.
  static func sentenceEnd(_ text: Span<UInt8>, _ at: Int) -> Int? {
    switch text[at] {
    case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"):
      at &+ 1 < text.count && (text[at &+ 1] == ASCII.space || text[at &+ 1] == ASCII.lf) ? at &+ 1 : nil
    case ASCII.lf: at > 0 && text[at &- 1] == ASCII.lf ? at : nil
    default: nil
    }
  }

  /// What is said by the words that begin at `at`.
  private func follow(_ text: Span<UInt8>, _ start: Int, to limit: Int, _ reach: inout Int) -> UInt32 {
    let (next, whole, open) = (next.span, whole.span, open.span)
    var node = 0
    var said: UInt32 = 0
    var at = start
    defer { reach = at &+ 2 }
    while at < limit {
      let (letter, width) = Self.code(text, at)
      let row = node &* Self.width
      if letter == 0 {
        said |= whole[node]
        node = Int(next[row &+ 26])
        if node == 0 { return said }
        // Any few signs between two words are one blank.
        var gap = at &+ 1
        while gap < limit, gap &- at < 3, Self.code(text, gap).letter == 0 { gap &+= 1 }
        at = gap
        guard gap < limit, Self.code(text, gap).letter != 0 else { return said }
        said |= open[node]
        continue
      }
      if at > start, next[row &+ 26] == 0, Letters.isUpper(text[at]), !Letters.isUpper(text[at - 1]) {
        // `phoneNumber` says what `phone number` does.
        said |= whole[node]
      }
      node = Int(next[row &+ Int(letter) &- 1])
      if node == 0 { return said }
      said |= open[node]
      at &+= width
    }
    return said | whole[node]
  }

  /// Where the word that begins at `at` ends. An underscore parts words, and so does a capital letter behind a small one.
  @inline(__always)
  static func wordEnd(_ text: Span<UInt8>, _ start: Int, to limit: Int) -> Int {
    var at = start &+ 1
    // Most words are all small letters.
    while at < limit, text[at] &- 0x61 < 26 { at &+= 1 }
    if at >= limit || !Letters.isLetter(text[at]) && !(0xC3...0xC5).contains(text[at]),
      Letters.isLetter(text[start])
    {
      return at
    }
    at = start
    while at < limit {
      let (letter, width) = code(text, at)
      if letter == 0 { return at }
      if at > start, Letters.isUpper(text[at]), !Letters.isUpper(text[at - 1]) { return at }
      at += width
    }
    return limit
  }

  /// Whether a letter of words begins at `at`.
  @inline(__always)
  static func isLetter(_ text: Span<UInt8>, _ at: Int) -> Bool { code(text, at).letter != 0 }

  /// The letter at `at`, a to z as 1 to 26, and its length; 0 for what is none.
  @inline(__always)
  private static func code(_ text: Span<UInt8>, _ at: Int) -> (letter: UInt8, width: Int) {
    let byte = text[at]
    if Letters.isLetter(byte) { return ((byte | 0x20) &- 0x60, 1) }
    if byte >= 0xC3, byte <= 0xC5, at + 1 < text.count {
      let plain = Letters.plain(byte, text[at + 1])
      return plain == 0 ? (0, 1) : (plain &- 0x60, 2)
    }
    return (0, 1)
  }

  /// Whether the word right before `at`, but for a filler and signs, says that what follows is some other number.
  func isNegative(_ text: Span<UInt8>, before at: Int) -> Bool { word(text, before: at, .negative) }

  /// Whether it says that what follows is a version or a section.
  func isVersion(_ text: Span<UInt8>, before at: Int) -> Bool {
    if at > 1, text[at - 1] == 0xA7, text[at - 2] == 0xC2 { return true }
    return word(text, before: at, .version)
  }

  private func word(_ text: Span<UInt8>, before limit: Int, _ hint: Hints) -> Bool {
    let floor = max(limit - 32, 0)
    var end = limit
    for _ in 0..<3 {
      while end > floor, !Letters.isLetter(text[end - 1]) {
        switch text[end - 1] {
        case ASCII.space, UInt8(ascii: "#"), ASCII.colon, UInt8(ascii: "="), UInt8(ascii: "."), ASCII.quote,
          UInt8(ascii: "'"), 0x5F, UInt8(ascii: "-"), UInt8(ascii: "("), ASCII.tab:
          end -= 1
        default: return false
        }
      }
      var start = end
      while start > floor, Letters.isLetter(text[start - 1]),
        start == end || !Letters.isUpper(text[start])
          || Letters.isUpper(text[start - 1])
      { start -= 1 }
      if start == end { return false }
      var reach = 0
      let said = follow(text, start, to: end, &reach)
      if said & hint.rawValue != 0 { return true }
      if said & Hints.filler.rawValue == 0 { return false }
      end = start
    }
    return false
  }
}

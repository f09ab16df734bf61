// What can be found in a text: the kinds of personal data, and a finding.

/// A kind of personal data, or a credential.
package enum Entity: UInt8, CaseIterable, Sendable {
  case email, phone, creditCard, ssn, iban, ip
  case mac, dateOfBirth, crypto, passport, driversLicense
  case ukNHS, ukNINO, deTaxID, frNIR, esDNI, itCF, nlBSN, plPESEL, sePN, brCPF, brCNPJ
  case inAadhaar, inPAN, caSIN, auTFN, auMedicare
  case secret
  /// A pattern of the operator's own.
  case custom

  /// The name in configurations, metrics and messages.
  package var name: StaticString {
    switch self {
    case .email: "email"
    case .phone: "phone"
    case .creditCard: "credit_card"
    case .ssn: "ssn"
    case .iban: "iban"
    case .ip: "ip"
    case .mac: "mac"
    case .dateOfBirth: "date_of_birth"
    case .crypto: "crypto"
    case .passport: "passport"
    case .driversLicense: "drivers_license"
    case .ukNHS: "uk_nhs"
    case .ukNINO: "uk_nino"
    case .deTaxID: "de_tax_id"
    case .frNIR: "fr_nir"
    case .esDNI: "es_dni"
    case .itCF: "it_cf"
    case .nlBSN: "nl_bsn"
    case .plPESEL: "pl_pesel"
    case .sePN: "se_pn"
    case .brCPF: "br_cpf"
    case .brCNPJ: "br_cnpj"
    case .inAadhaar: "in_aadhaar"
    case .inPAN: "in_pan"
    case .caSIN: "ca_sin"
    case .auTFN: "au_tfn"
    case .auMedicare: "au_medicare"
    case .secret: "secrets"
    case .custom: "custom"
    }
  }

  /// What a placeholder for it begins with.
  package var label: StaticString {
    switch self {
    case .email: "EMAIL"
    case .phone: "PHONE"
    case .creditCard: "CARD"
    case .ssn: "SSN"
    case .iban: "IBAN"
    case .ip: "IP"
    case .mac: "MAC"
    case .dateOfBirth: "DOB"
    case .crypto: "WALLET"
    case .passport: "PASSPORT"
    case .driversLicense: "LICENSE"
    case .secret: "SECRET"
    default: "ID"
    }
  }

  /// The entity of this name; nil for `custom` and what is none.
  package init?(named name: String) {
    guard let found = Self.allCases.first(where: { "\($0.name)" == name && $0 != .custom }) else {
      return nil
    }
    self = found
  }
}

/// A set of entities.
package struct Entities: OptionSet, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(_ entity: Entity) { rawValue = 1 << UInt64(entity.rawValue) }

  /// Those that are looked for where nothing else is said.
  package static let usual = Entities([.email, .phone, .creditCard, .ssn, .iban, .ip].map(Entities.init))

  package func contains(_ entity: Entity) -> Bool { rawValue >> UInt64(entity.rawValue) & 1 == 1 }
}

/// Something that was found.
package struct Finding: Equatable, Sendable {
  /// Where it lies in the text.
  package var range: Range<Int>
  package var entity: Entity
  /// How sure it is, of 100.
  package var score: Int
  /// The place in its table of the rule that found it, for secrets and patterns; else 0.
  package var rule: Int

  package init(_ range: Range<Int>, _ entity: Entity, _ score: Int, rule: Int = 0) {
    self.range = range
    self.entity = entity
    self.score = score
    self.rule = rule
  }
}

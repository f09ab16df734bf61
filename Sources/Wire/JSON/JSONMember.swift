// The members of a top-level object that Remora reads, changes or takes out, by name.

/// A member whose place in a text can be noted while it is scanned.
package enum JSONMember: UInt8, CaseIterable, Sendable {
  case model, stream, streamOptions, messages, input, prompt, tools, user, metadata, instructions
  case maxTokens, maxCompletionTokens, maxOutputTokens, serviceTier, previousResponse, encodingFormat, store
  case fallbackModels, customerIdentifier, threadIdentifier, groupIdentifier
  case id, object, created, choices, usage, error, systemFingerprint, data, output, status
  case type, response, event, message, detail, code, xGroq, xRemora, dataSources
  case choiceCount, system, background, conversation, container
  case temperature, topP, seed, sequenceNumber, promptCacheKey

  /// The name as it is written in a text: ASCII, at most `nameCeiling` bytes.
  package var name: StaticString {
    switch self {
    case .model: "model"
    case .stream: "stream"
    case .streamOptions: "stream_options"
    case .messages: "messages"
    case .input: "input"
    case .prompt: "prompt"
    case .tools: "tools"
    case .user: "user"
    case .metadata: "metadata"
    case .instructions: "instructions"
    case .maxTokens: "max_tokens"
    case .maxCompletionTokens: "max_completion_tokens"
    case .maxOutputTokens: "max_output_tokens"
    case .serviceTier: "service_tier"
    case .previousResponse: "previous_response_id"
    case .encodingFormat: "encoding_format"
    case .store: "store"
    case .fallbackModels: "fallback_models"
    case .customerIdentifier: "customer_identifier"
    case .threadIdentifier: "thread_identifier"
    case .groupIdentifier: "group_identifier"
    case .id: "id"
    case .object: "object"
    case .created: "created"
    case .choices: "choices"
    case .usage: "usage"
    case .error: "error"
    case .systemFingerprint: "system_fingerprint"
    case .data: "data"
    case .output: "output"
    case .status: "status"
    case .type: "type"
    case .response: "response"
    case .event: "event"
    case .message: "message"
    case .detail: "detail"
    case .code: "code"
    case .xGroq: "x_groq"
    case .xRemora: "x_remora"
    case .dataSources: "data_sources"
    case .choiceCount: "n"
    case .background: "background"
    case .conversation: "conversation"
    case .container: "container"
    case .system: "system"
    case .temperature: "temperature"
    case .topP: "top_p"
    case .seed: "seed"
    case .sequenceNumber: "sequence_number"
    case .promptCacheKey: "prompt_cache_key"
    }
  }

  /// The length of the longest name; a longer key is none of ours.
  static let nameCeiling = 24
}

/// A set of members to watch for.
///
/// A set written out as a list allocates, so one that a hot path uses is kept in a static constant.
package struct JSONMembers: OptionSet, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(_ member: JSONMember) { rawValue = 1 << UInt64(member.rawValue) }

  package init(arrayLiteral members: JSONMembers...) {
    rawValue = members.reduce(0) { $0 | $1.rawValue }
  }

  /// The member of this set that is called `key` (unescaped), if any.
  func member(_ key: Span<UInt8>) -> JSONMember? {
    guard key.count <= JSONMember.nameCeiling else { return nil }
    var rest = rawValue & Self.byLength[key.count]
    while rest != 0 {
      let bit = rest.trailingZeroBitCount
      if let member = JSONMember(rawValue: UInt8(truncatingIfNeeded: bit)), key.equals(member.name) {
        return member
      }
      rest &= rest &- 1
    }
    return nil
  }

  /// At each length, the members whose names have it: mostly none or one is left to compare.
  private static let byLength: [UInt64] = {
    var table = [UInt64](repeating: 0, count: JSONMember.nameCeiling + 1)
    for member in JSONMember.allCases {
      table[min(member.name.utf8CodeUnitCount, JSONMember.nameCeiling)] |= Self(member).rawValue
    }
    return table
  }()

  package static let model = Self(.model)
  package static let stream = Self(.stream)
  package static let streamOptions = Self(.streamOptions)
  package static let messages = Self(.messages)
  package static let input = Self(.input)
  package static let prompt = Self(.prompt)
  package static let tools = Self(.tools)
  package static let user = Self(.user)
  package static let metadata = Self(.metadata)
  package static let instructions = Self(.instructions)
  package static let maxTokens = Self(.maxTokens)
  package static let maxCompletionTokens = Self(.maxCompletionTokens)
  package static let maxOutputTokens = Self(.maxOutputTokens)
  package static let serviceTier = Self(.serviceTier)
  package static let previousResponse = Self(.previousResponse)
  package static let encodingFormat = Self(.encodingFormat)
  package static let store = Self(.store)
  package static let fallbackModels = Self(.fallbackModels)
  package static let customerIdentifier = Self(.customerIdentifier)
  package static let threadIdentifier = Self(.threadIdentifier)
  package static let groupIdentifier = Self(.groupIdentifier)
  package static let id = Self(.id)
  package static let object = Self(.object)
  package static let created = Self(.created)
  package static let choices = Self(.choices)
  package static let usage = Self(.usage)
  package static let error = Self(.error)
  package static let systemFingerprint = Self(.systemFingerprint)
  package static let data = Self(.data)
  package static let output = Self(.output)
  package static let status = Self(.status)
  package static let type = Self(.type)
  package static let response = Self(.response)
  package static let event = Self(.event)
  package static let message = Self(.message)
  package static let detail = Self(.detail)
  package static let code = Self(.code)
  package static let xGroq = Self(.xGroq)
  package static let xRemora = Self(.xRemora)
  package static let dataSources = Self(.dataSources)
  package static let choiceCount = Self(.choiceCount)
  package static let background = Self(.background)
  package static let conversation = Self(.conversation)
  package static let container = Self(.container)
  package static let system = Self(.system)
  package static let temperature = Self(.temperature)
  package static let topP = Self(.topP)
  package static let seed = Self(.seed)
  package static let sequenceNumber = Self(.sequenceNumber)
  package static let promptCacheKey = Self(.promptCacheKey)
  /// What a model is to read: as long as a body, and never changed for its place.
  static let long: JSONMembers = [.messages, .input, .prompt, .instructions, .system]

  /// Every member there is.
  package static let all = Self(rawValue: (1 << UInt64(JSONMember.allCases.count)) - 1)
}

/// What a value is, told by its first byte.
package enum JSONKind: UInt8, Sendable {
  case string, number, object, array, `true`, `false`, null

  /// The kind of the value that begins with `byte`, or nil where no value can.
  @inline(__always)
  package init?(firstByte byte: UInt8) {
    switch byte {
    case ASCII.quote: self = .string
    case UInt8(ascii: "-"), 0x30...0x39: self = .number
    case UInt8(ascii: "{"): self = .object
    case UInt8(ascii: "["): self = .array
    case UInt8(ascii: "t"): self = .true
    case UInt8(ascii: "f"): self = .false
    case UInt8(ascii: "n"): self = .null
    default: return nil
    }
  }
}

// A request in OpenAI's format on its way to a provider that speaks it: what must change is spliced, the rest
// stays byte for byte.

package import Config
package import Wire

/// Which of OpenAI's APIs a body belongs to.
package enum BodyShape: Sendable {
  case chat
  case completion
  case embedding
  case response
  /// Anthropic's Messages.
  case message
  /// The count of a message's or a response's tokens: there is no answer of a model in it.
  case tokenCount
  /// JSON of another endpoint: only its model is ours to read.
  case other

  /// Whether an answer of this shape may be asked for as a stream.
  var hasStreams: Bool {
    switch self {
    case .chat, .completion, .response, .message: true
    case .embedding, .tokenCount, .other: false
    }
  }
}

/// What Remora reads in a request's body.
package struct RequestFacts: Sendable {
  /// Members that are looked for in every JSON body.
  package static let watched: JSONMembers = [
    .model, .stream, .streamOptions, .fallbackModels, .customerIdentifier, .threadIdentifier,
    .groupIdentifier, .encodingFormat, .dataSources, .metadata, .store, .tools, .background,
    .previousResponse, .conversation, .container, .serviceTier, .messages, .input, .promptCacheKey,
  ]
  /// What refers to what one provider has kept.
  package static let referring: [JSONMember] = [.previousResponse, .conversation, .container]
  /// What says whose request it is.
  package static let attributing: JSONMembers = [
    .customerIdentifier, .threadIdentifier, .groupIdentifier, .metadata,
  ]
  /// And where prompts are weighed, those that say how long prompt and answer will be.
  package static let weighed: JSONMembers = watched.union([
    .prompt, .instructions, .system, .maxTokens, .maxCompletionTokens,
    .maxOutputTokens,
    .choiceCount,
  ])
  /// And where spans are written of requests, those that they tell.
  package static let traced: JSONMembers = weighed.union([.temperature, .topP, .seed])
  private static let own: [JSONMember] = [
    .fallbackModels, .customerIdentifier, .threadIdentifier, .groupIdentifier,
  ]
  private static let ownSet: JSONMembers = own.reduce(into: []) { $0.insert(JSONMembers($1)) }
  /// What `read` looks for beside the model.
  private static let steeringOrForm: JSONMembers = [
    .stream, .streamOptions, .encodingFormat, .dataSources, .store,
  ]

  /// Whether a key names a member that only Remora reads.
  static func isOwn(_ body: Span<UInt8>, _ key: Range<Int>) -> Bool {
    for member in own where JSONString.equals(body, key, member.name) { return true }
    return JSONString.equals(body, key, GatewayMember.requestBreakdown.name)
  }

  /// The client wants a stream.
  package private(set) var streams = false
  /// The client itself asked for usage in the stream.
  package private(set) var asksForUsage = false
  /// The client wants embeddings in base64.
  package private(set) var wantsBase64 = false
  /// The client asks of its own data, for which Azure refuses `stream_options` (public reports, 2024 to 2026).
  package private(set) var asksOfData = false
  /// The client wants the answer kept at the provider, its metadata with it.
  package private(set) var stores = false
  /// The metadata stays here: the provider would refuse them, or knows nothing of them.
  package var dropsMetadata = false
  /// The provider refuses members that it doesn't know.
  package var isStrict = false
  /// `models` is a member of the provider's own API.
  package var keepsModels = false

  package init() {}

  /// Notes what must change for a provider of this kind.
  ///
  /// - Parameter isChat: the body is a chat's, and whole.
  package mutating func know(_ kind: ProviderKind, isChat: Bool) {
    isStrict = kind == .openai || kind == .azure
    keepsModels = kind == .openrouter
    // OpenAI takes metadata with an answer that it is to store, and refuses them otherwise; others know them even less.
    // The log has them in any case. Of a body that is still coming nobody knows yet what it says behind this.
    dropsMetadata = isChat && !(isStrict && stores)
  }

  /// Why a body that is valid JSON can't be served.
  package enum Fault: Error, Sendable {
    case notAnObject
    case wrongType(parameter: StaticString, expected: StaticString)
  }

  /// Reads the facts and checks the types of what steers.
  package mutating func read(_ body: Span<UInt8>, _ scanner: borrowing JSONScanner) throws(Fault) {
    streams = false
    asksForUsage = false
    wantsBase64 = false
    asksOfData = false
    stores = false
    guard case .object? = scanner.topLevelKind else { throw .notAnObject }
    if let model = scanner.found(.model) {
      guard case .string = model.kind else { throw .wrongType(parameter: "model", expected: "a string") }
    }
    guard scanner.hasSeen(Self.steeringOrForm) else { return }
    asksOfData = scanner.hasSeen(.dataSources)
    if let store = scanner.found(.store) { stores = store.kind == .true }
    if let stream = scanner.found(.stream) { streams = try Self.streams(stream) }
    if let options = scanner.found(.streamOptions), options.kind != .object, options.kind != .null {
      throw .wrongType(parameter: "stream_options", expected: "an object")
    }
    if let options = scanner.found(.streamOptions), options.kind == .object,
      let usage = JSONView.value(body, in: options.value, at: "include_usage")
    {
      asksForUsage = JSONValue.bool(body, usage) == true
    }
    if let format = scanner.found(.encodingFormat), format.kind == .string {
      wantsBase64 = JSONString.equals(body, format.value, "base64")
    }
  }

  /// Writes the edits that turn the client's body into the upstream's.
  ///
  /// - Parameters:
  ///   - model: the name that the upstream knows, if it is not the one in the body; put in where there is none.
  ///   - addsUsage: whether the stream is to tell its usage although the client didn't ask.
  package func edit(
    _ splice: inout JSONSplice, _ body: Span<UInt8>, _ scanner: borrowing JSONScanner, model: Span<UInt8>?,
    addsUsage: Bool
  ) throws(JSONSpliceFault) {
    splice.removeAll()
    if let model {
      var text = ByteQueue()
      if let found = scanner.found(.model) {
        JSONWriter.string(model, into: &text)
        try splice.replace(found.value, with: text.bytes)
      } else {
        text.append("\"model\":")
        JSONWriter.string(model, into: &text)
        try splice.insertMember(text.bytes, in: scanner)
      }
    }
    if scanner.hasSeen(Self.ownSet) {
      for member in Self.own {
        if let found = scanner.found(member) { try splice.remove(found) }
      }
    }
    if dropsMetadata, let found = scanner.found(.metadata) { try splice.remove(found) }
    if addsUsage { try addUsage(&splice, body, scanner) }
  }

  // MARK: Bodies that aren't kept

  /// Members that were read, and edited, already.
  private var settled: JSONMembers = []
  private var hasEnded = false

  /// From here on the body passes; what `scanner` has found so far was dealt with by `read` and `edit`.
  package mutating func beginFollowing(_ scanner: borrowing JSONScanner) {
    settled = []
    hasEnded = false
    for member in Self.steering where scanner.found(member) != nil { settled.insert(JSONMembers(member)) }
  }

  private static let steering: [JSONMember] = [.stream, .streamOptions] + own

  /// Reads on in a body that passes: checks what steers, and adds the edits for it, before it goes.
  ///
  /// - Parameters:
  ///   - window: what is here of the body.
  ///   - start: the offset of its first byte.
  /// - Returns: whether usage was asked for on the client's behalf.
  package mutating func editFurther(
    _ splice: inout JSONSplice, _ window: Span<UInt8>, from start: Int, _ scanner: borrowing JSONScanner,
    mayAddUsage: Bool
  ) throws(Fault) -> Bool {
    let isOver = scanner.closeBrace != nil
    if scanner.hasSeen(.dataSources) { asksOfData = true }
    let mayAddUsage = mayAddUsage && !asksOfData
    if isOver, hasEnded { return false }
    var adds = false
    for member in Self.steering where !settled.contains(JSONMembers(member)) {
      // Its comma is awaited too, for what is taken out takes one with it.
      guard let found = scanner.found(member), isOver || found.followingComma != nil else { continue }
      settled.insert(JSONMembers(member))
      switch member {
      case .stream: streams = try Self.streams(found)
      case .streamOptions:
        if try editOptions(found, &splice, window, from: start, mayAddUsage: mayAddUsage) { adds = true }
      default: try? splice.remove(found)
      }
    }
    hasEnded = isOver
    if let brace = scanner.closeBrace, streams, mayAddUsage, !settled.contains(.streamOptions) {
      try? splice.insert(at: brace, Self.options.bytes)
      adds = true
    }
    return adds
  }

  private static func streams(_ found: JSONScanner.Found) throws(Fault) -> Bool {
    switch found.kind {
    case .true: return true
    case .false, .null: return false
    default: throw .wrongType(parameter: "stream", expected: "a boolean")
    }
  }

  private mutating func editOptions(
    _ found: JSONScanner.Found, _ splice: inout JSONSplice, _ window: Span<UInt8>, from start: Int,
    mayAddUsage: Bool
  ) throws(Fault) -> Bool {
    guard found.kind == .object || found.kind == .null else {
      throw .wrongType(parameter: "stream_options", expected: "an object")
    }
    let value = found.value.lowerBound - start..<found.value.upperBound - start
    guard value.lowerBound >= 0, value.upperBound <= window.count else { return false }
    let usage = found.kind == .object ? JSONView.value(window, in: value, at: "include_usage") : nil
    asksForUsage = usage.map { JSONValue.bool(window, $0) == true } ?? false
    guard mayAddUsage, !asksForUsage else { return false }
    try? addUsage(&splice, window, from: start, value, isObject: found.kind == .object)
    return true
  }

  private func addUsage(
    _ splice: inout JSONSplice, _ body: Span<UInt8>, _ scanner: borrowing JSONScanner
  ) throws(JSONSpliceFault) {
    if let options = scanner.found(.streamOptions) {
      return try addUsage(&splice, body, from: 0, options.value, isObject: options.kind == .object)
    }
    // At the end: the members before it keep their bytes, and a provider's prompt cache its prefix.
    if let brace = scanner.closeBrace { try splice.insert(at: brace, Self.options.bytes) }
  }

  private static let options: StaticString = ",\"stream_options\":{\"include_usage\":true}"

  /// Has the options at `value` in `bytes`, which begin at the text's offset `start`, ask for usage.
  private func addUsage(
    _ splice: inout JSONSplice, _ bytes: Span<UInt8>, from start: Int, _ value: Range<Int>, isObject: Bool
  ) throws(JSONSpliceFault) {
    guard isObject else {
      let place = value.lowerBound + start..<value.upperBound + start
      return try splice.replace(place, with: ("{\"include_usage\":true}" as StaticString).bytes)
    }
    if let usage = JSONView.value(bytes, in: value, at: "include_usage") {
      let place = usage.lowerBound + start..<usage.upperBound + start
      return try splice.replace(place, with: ("true" as StaticString).bytes)
    }
    var members = JSONObjectCursor(bytes, value)
    let isEmpty = members.next() == nil
    let member: StaticString = isEmpty ? "\"include_usage\":true" : "\"include_usage\":true,"
    try splice.insert(at: value.lowerBound + start + 1, member.bytes)
  }
}

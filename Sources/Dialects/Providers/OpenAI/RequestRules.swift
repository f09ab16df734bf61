// The words in which a row of the quirks says what a request may not hold.

internal import Wire

/// What is done with one member of a request.
struct FieldRule: Sendable {
  enum Action: Sendable {
    /// Left out, and named in `x-remora-dropped`.
    case drop
    /// Left out without a word: the provider does it anyway, or it says nothing without what is refused.
    case omit
    /// 400: without it the request would mean something else. An empty value says nothing, and is left out.
    case refuse
    /// The provider's own name for it, which gives way where both are said.
    case rename(StaticString)
    /// 400 unless it is 1.
    case one
    /// A larger number becomes this one, and the member is named as dropped.
    case most(Double)
    /// Texts become others.
    case words([(from: StaticString, to: StaticString)])
    /// `logprobs: true` becomes how many.
    case counted
    /// A tool choice may be a word or a function's name; other forms are refused.
    case namedFunction
    /// A prediction is a text; parts are left out.
    case plainPrediction
    /// Texts, and no tokens.
    case texts
  }

  let name: StaticString
  let action: Action

  init(_ name: StaticString, _ action: Action) {
    self.name = name
    self.action = action
  }
}

/// What is done with one kind of request.
struct RequestRules: Sendable {
  /// The members that the provider takes; empty where it takes what it doesn't know.
  var known: [StaticString] = []
  var fields: [FieldRule] = []
  /// Nulls are left out: they say nothing.
  var dropsNulls = false
  /// Tools are held to what the provider's schema has.
  var strictTools = false
  var messages: MessageRules?

  var isEmpty: Bool { known.isEmpty && fields.isEmpty && !dropsNulls && messages == nil }

  /// Members whose loss would make another request of it.
  static let meaningful: [StaticString] = [
    "n", "response_format", "tools", "tool_choice", "audio", "modalities", "functions", "function_call",
  ]
}

/// What is done with the messages of a chat.
struct MessageRules: Sendable {
  enum Role: Sendable, Hashable { case system, user, assistant, tool }

  /// Where an assistant's `reasoning_content` goes.
  enum Reasoning: Sendable {
    case asIs
    case member(StaticString)
    /// A `thinking` chunk before the content.
    case chunk
  }

  /// `developer` is OpenAI's name for what others call `system`.
  var developerIsSystem = false
  /// The members that the provider takes, by role; empty where it takes what it doesn't know.
  var known: [Role: [StaticString]] = [:]
  /// The members of an earlier turn's calls that the provider takes; empty where it takes what it doesn't know.
  var calls: [StaticString] = []
  var reasoning = Reasoning.asIs
  /// Ids of tool calls must have nine letters and digits.
  var shortIDs = false
  /// A last turn of the assistant must say that it is to be gone on with.
  var prefixesLast = false
  /// Parts of contents are held to what the provider's schema has.
  var strictParts = false
  /// A turn that calls tools must say what was thought before, if only nothing (DeepSeek docs, "Thinking mode", tool
  /// calls, 2026: 400 without `reasoning_content`), unless the request switches thinking off.
  var thinksBetweenCalls = false
  /// Turns of one role in a row become one.
  var joinsTurns = false
  /// Turns that say nothing are refused.
  var refusesBlanks = false
  /// Who may have the first word; where one is needed and there is none, a user says next to nothing.
  var begins = Begin.anyone

  enum Begin: Sendable {
    case anyone
    /// A user, or the system; but the system's word alone is no conversation.
    case userOrSystem
    /// A user, behind the system's word.
    case user
  }
}

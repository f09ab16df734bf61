// What kind of conversation it is, for those who need to know no more.

extension Conversation {
  /// What those ask who need to know no more: to look at a conversation counts a reference.
  package struct Nature: Sendable {
    /// The answer is made inside Remora, without a call.
    package let isLocal: Bool
    /// The provider speaks a dialect of its own.
    package let isTranslated: Bool
    /// The client speaks another format than what is said for it.
    package let isRecast: Bool
  }

  package var nature: Nature { Nature(isLocal: isLocal, isTranslated: isTranslated, isRecast: isRecast) }
}

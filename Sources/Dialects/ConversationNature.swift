// What kind of conversation it is, for those who need to know no more.

extension Conversation {
  /// Told anew whenever `Conversation.way` changes.
  package struct Nature: Sendable {
    /// The answer is made inside Remora, without a call.
    package let isLocal: Bool
    /// The provider speaks a dialect of its own.
    package let isTranslated: Bool
    /// The client speaks another format than what is said for it.
    package let isRecast: Bool

    init(_ way: Way) {
      switch way {
      case .passed: self.init()
      case .translated: self.init(isTranslated: true)
      case .mock: self.init(isLocal: true)
      case .recast(let recast):
        let inner = recast.inner.nature
        self.init(isLocal: inner.isLocal, isTranslated: inner.isTranslated, isRecast: true)
      }
    }

    private init(isLocal: Bool = false, isTranslated: Bool = false, isRecast: Bool = false) {
      self.isLocal = isLocal
      self.isTranslated = isTranslated
      self.isRecast = isRecast
    }
  }
}

// A request of any format as a chat, and what must be said of it to a client that never saw the chat.

internal import Wire

extension Recast {
  func nameLost(_ asked: Span<UInt8>) {
    if inner.droppedCount == 0 { return }
    var isInside = false
    inner.dropped.each { isInside = isInside || ClientWords.isInside($0) }
    let words = ClientWords(format, asked, isInside ? places(in: asked) : ChatPlaces())
    inner.dropped.each { dropped.add(Array(words.name($0.text()).utf8).span) }
  }

  func inClientWords(_ fault: RequestFault, _ asked: Span<UInt8>) -> RequestFault {
    var fault = fault
    fault.parameter = ClientWords(format, asked, places(in: asked)).name(fault.parameter)
    return fault
  }

  /// Where the chat's parts come from, found out by writing it again.
  func places(in asked: Span<UInt8>) -> ChatPlaces {
    let places = ChatPlaces()
    var chat = ChatBody(target, model: [], count: 0, Span(), pool: nil)
    chat.places = places
    _ = try? AnswerForms(pool: nil).write(format, asked, Span(), nil, into: &chat)
    return places
  }
}

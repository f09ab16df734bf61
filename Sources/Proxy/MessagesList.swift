// Lists of models for clients that say `anthropic-version`: the list that all get, in Anthropic's form.

internal import Dialects
internal import HTTP
internal import Wire

extension Exchange {
  /// Puts the list that was made into Anthropic's form, and leaves the page that is asked for.
  func makeMessagesList() {
    var page = MessagesModels.Page()
    if let query = ask.target.query {
      let text = ask.headBytes.extracting(query)
      if let limit = Self.parameter("limit", of: text),
        let count = JSONValue.integer(limit.span, 0..<limit.count)
      {
        page.limit = count
      }
      page.after = Self.parameter("after_id", of: text) ?? []
      page.before = Self.parameter("before_id", of: text) ?? []
    }
    var list = ByteQueue()
    swap(&list, &answer.body)
    MessagesModels.write(list.bytes, page, into: &answer.body)
  }

  /// Puts the model that was found into Anthropic's form.
  func makeMessagesModel() {
    var model = ByteQueue()
    swap(&model, &answer.body)
    MessagesModels.write(model: model.bytes, 0..<model.count, into: &answer.body)
  }

  /// The value of a query's parameter, without its percent-encoding; the head's parser has checked the escapes.
  private static func parameter(_ name: StaticString, of query: Span<UInt8>) -> [UInt8]? {
    for pair in query.array().split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, Array(parts[0]).span.equals(name) else { continue }
      var value: [UInt8] = []
      var at = parts[1].startIndex
      while at < parts[1].endIndex {
        if parts[1][at] == UInt8(ascii: "%"), at + 2 < parts[1].endIndex,
          let high = ASCII.hexadecimal(parts[1][at + 1]), let low = ASCII.hexadecimal(parts[1][at + 2])
        {
          value.append(high << 4 | low)
          at += 3
        } else {
          value.append(parts[1][at])
          at += 1
        }
      }
      return value
    }
    return nil
  }
}

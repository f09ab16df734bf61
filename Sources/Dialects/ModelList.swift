// A provider's models in OpenAI's form.

package import Wire

/// A list of models in the making: `{"id":…,"object":"model",…}`, with commas between.
package struct ModelList: ~Copyable {
  /// Models that are taken from one provider.
  static let ceiling = 10_000

  package var out = ByteQueue()
  package private(set) var count = 0
  private let owner: String

  /// - Parameter owner: what `owned_by` says.
  package init(owner: String) { self.owner = owner }

  /// Appends a model.
  ///
  /// - Parameters:
  ///   - id: still escaped.
  ///   - created: Unix time in seconds; 0 where the provider doesn't say it.
  package mutating func append(id: Span<UInt8>, created: Int = 0) {
    guard count < Self.ceiling else { return }
    if count > 0 { out.append(",") }
    count += 1
    out.append("{\"id\":\"")
    out.append(id)
    out.append("\",\"object\":\"model\",\"created\":")
    out.append(decimal: created)
    out.append(",\"owned_by\":")
    JSONWriter.string(owner, into: &out)
    out.append("}")
  }

  /// The models of an answer in OpenAI's form, each as the provider wrote it, with commas between; empty where it is no
  /// such answer.
  package static func joined(_ answer: Span<UInt8>) -> ByteQueue {
    var out = ByteQueue()
    var scanner = JSONScanner(watching: .data)
    guard (try? scanner.feed(answer)) != nil, (try? scanner.finish()) != nil,
      let data = scanner.found(.data), JSONView.kind(answer, data.value) == .array
    else { return out }
    var models = JSONArrayCursor(answer, data.value)
    var count = 0
    while let model = models.next(), count < ceiling {
      guard JSONView.kind(answer, model.value) == .object else { continue }
      if count > 0 { out.append(ASCII.comma) }
      count += 1
      out.append(answer.extracting(model.value))
    }
    return out
  }

  /// Appends a model for each element of the answer's `list`, by its member `name`.
  mutating func appendNames(_ reply: Span<UInt8>, list: StaticString, name: StaticString) {
    guard let found = JSONView.value(reply, in: 0..<reply.count, at: list) else { return }
    var models = JSONArrayCursor(reply, found)
    while let model = models.next() {
      guard let id = JSONView.value(reply, in: model.value, at: name), JSONView.kind(reply, id) == .string,
        id.count > 2
      else { continue }
      append(id: JSONString.content(reply, id))
    }
  }
}

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
}

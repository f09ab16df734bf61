// Events as the Responses API and Anthropic's Messages write them.

internal import Wire

/// An event whose type is its name, and stands in its data too, with a number beside it.
enum TypedEvent {
  /// Appends it up to that number. Compiled into the caller: most of a stream's events begin so.
  ///
  /// - Parameter member: what stands between the type and the number: `","sequence_number":`.
  @inline(__always)
  static func begin(
    _ type: StaticString, _ member: StaticString, _ number: Int, into out: inout ByteQueue
  ) {
    out.append(literal: "event: ")
    out.append(type)
    out.append(literal: "\ndata: {\"type\":\"")
    out.append(type)
    out.append(literal: member)
    out.append(decimal: number)
  }
}

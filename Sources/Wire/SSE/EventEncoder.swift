// Writes the events of a server-sent stream in the one form that every SDK reads: one data line, no id, no retry.

package enum EventEncoder {
  /// Appends an event that says `bytes`: one data line, or more where they hold line ends.
  package static func data(_ bytes: Span<UInt8>, into queue: inout ByteQueue) {
    queue.reserve(bytes.count + 8)
    var start = 0
    while true {
      let end = LineEnd.next(bytes, from: start)
      queue.append("data: ")
      queue.append(bytes.extracting(start..<end))
      queue.append(ASCII.lf)
      if end == bytes.count { break }
      start = end + 1
      if bytes[end] == ASCII.cr, start < bytes.count, bytes[start] == ASCII.lf { start += 1 }
    }
    queue.append(ASCII.lf)
  }

  /// Appends an event with a type, which holds no line end.
  package static func event(
    _ name: StaticString, data bytes: Span<UInt8>, into queue: inout ByteQueue
  ) {
    queue.append("event: ")
    queue.append(name)
    queue.append(ASCII.lf)
    data(bytes, into: &queue)
  }

  /// Appends what ends a stream in OpenAI's format.
  package static func done(into queue: inout ByteQueue) {
    queue.append("data: [DONE]\n\n")
  }

  /// Appends a comment, to show that the stream lives.
  ///
  /// It has a single line end: some SDKs take a blank line behind a comment for an empty event, and fail.
  package static func comment(into queue: inout ByteQueue) {
    queue.append(": remora\n")
  }
}

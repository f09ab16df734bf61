// The numbers of a trace and of one span in it (W3C Trace Context, section 3.2), without a text of their own.

package import Wire

/// A trace and a span in it, as words in network order.
package struct TraceIDs: Sendable, Equatable {
  /// The trace's upper and lower half; both 0: none.
  package var high: UInt64
  package var low: UInt64
  /// 0: none.
  package var span: UInt64

  package init(high: UInt64, low: UInt64, span: UInt64 = 0) {
    self.high = high
    self.low = low
    self.span = span
  }

  /// Appends the trace's 32 hexadecimal digits.
  package func writeTrace(into out: inout ByteQueue) {
    out.append(hexadecimalWord: high)
    out.append(hexadecimalWord: low)
  }

  /// Appends both as members of the access log's line.
  func write(into out: inout ByteQueue) {
    out.append(",\"trace_id\":\"")
    writeTrace(into: &out)
    if span != 0 {
      out.append("\",\"span_id\":\"")
      out.append(hexadecimalWord: span)
    }
    out.append(ASCII.quote)
  }
}

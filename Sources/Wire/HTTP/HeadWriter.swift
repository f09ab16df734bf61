// Heads out: the first line, fields, chunk framing.
//
// Values may come from a body or a configuration, so a byte that would end a line early can't get out: it is
// written as `?`, or escaped in a target. What was parsed here never holds one.

/// Fields that go on as they came. Neighbours that are written the usual way, `name: value`, are copied together.
public struct FieldRun {
  @usableFromInline var start = 0
  @usableFromInline var end = 0

  public init() {}

  /// Adds `field` of the head `bytes`, which was parsed.
  @inlinable
  public mutating func take(_ field: Field, of bytes: Span<UInt8>, to out: inout ByteQueue) {
    if !field.isUsual || field.name.lowerBound != end { begin(with: field, of: bytes, to: &out) }
    // Behind the value are CR and LF.
    if field.isUsual { end = field.value.upperBound &+ 2 }
  }

  /// Begins a run with `field`, or writes it where it is one that a run can't have.
  @usableFromInline
  mutating func begin(with field: Field, of bytes: Span<UInt8>, to out: inout ByteQueue) {
    flush(bytes, to: &out)
    if field.isUsual { start = field.name.lowerBound } else { HeadWriter.field(field, of: bytes, to: &out) }
  }

  /// Appends what was taken; to be called before anything else is written, and at the end.
  public mutating func flush(_ bytes: Span<UInt8>, to out: inout ByteQueue) {
    if start == end { return }
    out.append(bytes.extracting(start..<end))
    start = 0
    end = 0
  }
}

/// Writes heads and chunk framing into a queue.
package enum HeadWriter {
  /// `POST /path HTTP/1.1`, with its CR LF. Bytes that may not stand in a target are percent-encoded.
  package static func requestLine(
    method: Span<UInt8>, target: Span<UInt8>, to out: inout ByteQueue
  ) {
    out.append(method)
    out.append(ASCII.space)
    self.target(target, to: &out)
    out.append(literal: " HTTP/1.1\r\n")
  }

  package static func requestLine(method: Method, target: Span<UInt8>, to out: inout ByteQueue) {
    out.append(method.text)
    out.append(ASCII.space)
    self.target(target, to: &out)
    out.append(literal: " HTTP/1.1\r\n")
  }

  private static func target(_ target: Span<UInt8>, to out: inout ByteQueue) {
    if Syntax.isPlainPath(target, 0..<target.count) { return out.append(target) }
    var from = 0
    for at in 0..<target.count where !Syntax.isTarget(target[at]) {
      out.append(target.extracting(from..<at))
      out.append(UInt8(ascii: "%"))
      out.append(hexadecimal(target[at] >> 4))
      out.append(hexadecimal(target[at] & 15))
      from = at + 1
    }
    out.append(target.extracting(from..<target.count))
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }

  /// `HTTP/1.1 200 OK`, with its CR LF.
  package static func statusLine(_ status: Int, to out: inout ByteQueue) {
    if status == 200 {
      out.append(literal: "HTTP/1.1 200 OK\r\n")
      return
    }
    out.append(literal: "HTTP/1.1 ")
    out.append(decimal: status)
    out.append(ASCII.space)
    out.append(reason(status))
    out.append(literal: "\r\n")
  }

  package static func field(_ name: StaticString, _ value: Span<UInt8>, to out: inout ByteQueue) {
    out.append(name)
    out.append(literal: ": ")
    self.value(value, to: &out)
    out.append(literal: "\r\n")
  }

  package static func field(_ name: Span<UInt8>, _ value: Span<UInt8>, to out: inout ByteQueue) {
    out.append(name)
    out.append(literal: ": ")
    self.value(value, to: &out)
    out.append(literal: "\r\n")
  }

  package static func field(_ name: StaticString, _ value: StaticString, to out: inout ByteQueue) {
    out.append(name)
    out.append(literal: ": ")
    out.append(value)
    out.append(literal: "\r\n")
  }

  package static func field(_ name: StaticString, _ value: Int, to out: inout ByteQueue) {
    out.append(name)
    out.append(literal: ": ")
    out.append(decimal: value)
    out.append(literal: "\r\n")
  }

  /// A parsed field of the head `bytes`, its name in the case in which it came.
  package static func field(_ field: Field, of bytes: Span<UInt8>, to out: inout ByteQueue) {
    self.field(bytes.extracting(field.name), bytes.extracting(field.value), to: &out)
  }

  /// The field that says how the body is delimited; none of them where the peer's close, or nothing, does it.
  package static func framing(_ framing: Framing, to out: inout ByteQueue) {
    switch framing {
    case .none, .untilClose: break
    case .length(let count):
      out.append(literal: "Content-Length: ")
      out.append(decimal: count)
      out.append(literal: "\r\n")
    case .chunked: out.append(literal: "Transfer-Encoding: chunked\r\n")
    }
  }

  /// What describes an event stream.
  package static func eventStream(to out: inout ByteQueue) {
    out.append(literal: "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n")
  }

  /// The empty line that ends a head.
  package static func end(to out: inout ByteQueue) { out.append(literal: "\r\n") }

  /// What comes before a chunk of `size` bytes; `chunkEnd` comes behind it. A chunk of nothing would end the
  /// body, so a size of zero writes nothing.
  package static func chunkHead(_ size: Int, to out: inout ByteQueue) {
    if size <= 0 { return }
    out.append(hexadecimal: size)
    out.append(literal: "\r\n")
  }

  package static func chunkEnd(to out: inout ByteQueue) { out.append(literal: "\r\n") }

  /// `data` as one chunk, or nothing if it is empty.
  package static func chunk(_ data: Span<UInt8>, to out: inout ByteQueue) {
    if data.isEmpty { return }
    chunkHead(data.count, to: &out)
    out.append(data)
    chunkEnd(to: &out)
  }

  /// The end of a chunked body without trailers.
  package static func lastChunk(to out: inout ByteQueue) { out.append(literal: "0\r\n\r\n") }

  /// The end of a chunked body with `trailers`, each of which has its CR LF (`ChunkedDecoder.trailers`).
  package static func lastChunk(trailers: Span<UInt8>, to out: inout ByteQueue) {
    out.append(literal: "0\r\n")
    out.append(trailers)
    out.append(literal: "\r\n")
  }

  private static func value(_ value: Span<UInt8>, to out: inout ByteQueue) {
    var from = 0
    while true {
      let at = Syntax.firstControl(in: value, from: from, to: value.count)
      out.append(value.extracting(from..<at))
      if at == value.count { return }
      out.append(UInt8(ascii: "?"))
      from = at + 1
    }
  }

  /// The phrase that goes with `status` (RFC 9110 section 15, and what providers use beside it).
  package static func reason(_ status: Int) -> StaticString {
    switch status {
    case 100: "Continue"
    case 103: "Early Hints"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 206: "Partial Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Range Not Satisfiable"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 424: "Failed Dependency"
    case 425: "Too Early"
    case 426: "Upgrade Required"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 451: "Unavailable For Legal Reasons"
    case 499: "Client Closed Request"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    case 529: "Overloaded"
    default: defaultReason(status)
    }
  }

  private static func defaultReason(_ status: Int) -> StaticString {
    switch status {
    case 100..<200: "Informational"
    case 200..<300: "Success"
    case 300..<400: "Redirection"
    case 400..<500: "Client Error"
    default: "Server Error"
    }
  }
}

// Every way in which a message's head is refused, and what the sender is told.

/// Why a request's or a response's head was refused.
///
/// `status`, `code` and `message` are what a client is told about its own request. A fault in a response is
/// always the upstream's: it is reported as 502, with `message` as the reason. After any fault the connection
/// must be closed, because nobody knows where the next message would begin.
package enum HeadFault: Error, Equatable, Sendable, CaseIterable {
  // Bytes.
  case tlsOnPlaintext, http2Preface, bareLineFeed, bareCarriageReturn, controlByte, incomplete
  // Size.
  case targetTooLong, headTooLarge, tooManyFields, tooManyOptions
  // The first line.
  case requestLine, version, methodUnknown, methodRefused
  case target, fragment, dotSegment, percentEscape
  case statusLine, status, unaskedSwitch
  // The fields.
  case fieldName, foldedField
  case hostMissing, hostRepeated, host
  case contentLength, contentLengthRepeated
  case transferEncoding, transferCodingUnknown, lengthAndCoding, codingInOldVersion
  case expectation, upgrade

  /// The status that a client is told.
  package var status: Int {
    switch self {
    case .methodRefused: 405
    case .targetTooLong: 414
    case .expectation: 417
    case .headTooLarge, .tooManyFields: 431
    case .upgrade: 426
    case .methodUnknown, .transferCodingUnknown: 501
    case .statusLine, .status, .unaskedSwitch: 502
    case .version, .http2Preface: 505
    default: 400
    }
  }

  /// What a program can tell the fault by.
  package var code: StaticString {
    switch self {
    case .tlsOnPlaintext: "tls_on_plaintext_port"
    case .http2Preface, .version: "http_version_not_supported"
    case .bareLineFeed, .bareCarriageReturn, .controlByte, .incomplete: "bad_request_bytes"
    case .targetTooLong: "uri_too_long"
    case .headTooLarge, .tooManyFields: "header_too_large"
    case .requestLine: "bad_request_line"
    case .methodUnknown: "method_not_implemented"
    case .methodRefused: "method_not_allowed"
    case .target, .fragment, .dotSegment, .percentEscape: "bad_request_target"
    case .statusLine, .status, .unaskedSwitch: "upstream_protocol"
    case .fieldName, .foldedField, .tooManyOptions: "bad_header"
    case .hostMissing, .hostRepeated, .host: "bad_host"
    case .contentLength, .contentLengthRepeated: "bad_content_length"
    case .transferEncoding, .lengthAndCoding, .codingInOldVersion: "bad_transfer_encoding"
    case .transferCodingUnknown: "transfer_encoding_not_implemented"
    case .expectation: "expectation_failed"
    case .upgrade: "upgrade_unsupported"
    }
  }

  /// What is wrong, and what would be right.
  package var message: StaticString {
    switch self {
    case .tlsOnPlaintext: "client spoke TLS to the plaintext port; use http://"
    case .http2Preface: "HTTP/2 is not spoken on this port; use HTTP/1.1"
    case .bareLineFeed: "a header line ends in LF alone; end each line in CR LF"
    case .bareCarriageReturn: "a CR stands without its LF; end each line in CR LF"
    case .controlByte: "the header holds a control character; remove it"
    case .incomplete: "the header has no end; finish it with an empty line"
    case .targetTooLong: "the request line is longer than 8 KiB; shorten the URL"
    case .headTooLarge: "the header is larger than 64 KiB; send fewer or shorter fields"
    case .tooManyFields: "the header has more than 128 fields; send fewer"
    case .tooManyOptions: "Connection names more than 32 options; send fewer"
    case .requestLine: "the request line is not 'METHOD target HTTP/1.1' with single spaces"
    case .version: "this HTTP version is not supported; use HTTP/1.1"
    case .methodUnknown: "unknown method; methods are written in upper case, such as POST"
    case .methodRefused: "this method is not allowed here; see Allow"
    case .target: "the request target is not a path; send '/path?query' with other bytes percent-encoded"
    case .fragment: "the request target holds '#'; leave the fragment out, or encode it as %23"
    case .dotSegment: "the path holds a '.' or '..' segment; send the path that it leads to"
    case .percentEscape: "the request target holds '%' without two hexadecimal digits, or %00"
    case .statusLine: "the status line is not 'HTTP/1.1 200 reason'"
    case .status: "the status is not a number from 100 to 599"
    case .unaskedSwitch: "the protocol was switched (101) though nobody asked"
    case .fieldName: "a header line does not start with a field name and a colon"
    case .foldedField: "a header line starts with a blank; write each field on one line"
    case .hostMissing: "the Host field is missing; HTTP/1.1 requires it"
    case .hostRepeated: "there is more than one Host field; send one"
    case .host: "the Host is not a name or an address, with an optional port"
    case .contentLength: "Content-Length is not one decimal number"
    case .contentLengthRepeated: "Content-Length is repeated, or its values differ; send it once"
    case .transferEncoding: "Transfer-Encoding is malformed; send 'chunked', once"
    case .transferCodingUnknown: "a transfer coding other than chunked is not supported"
    case .lengthAndCoding: "both Content-Length and Transfer-Encoding are present; send one"
    case .codingInOldVersion: "Transfer-Encoding is not part of HTTP/1.0; use HTTP/1.1"
    case .expectation: "the only expectation that can be met is 100-continue"
    case .upgrade: "WebSocket is not supported; send a plain HTTP/1.1 request"
    }
  }

  /// The value of the `Allow` field that a 405 must carry (RFC 9110 section 15.5.6).
  package var allow: StaticString? { self == .methodRefused ? Method.allowed : nil }
}

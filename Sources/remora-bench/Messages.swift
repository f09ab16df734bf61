// The same answers as Stock's, in Anthropic's format: what a translated exchange costs is measured with them.

/// Ready-made answers of a Messages API.
enum Messages {
  /// An answer's body of so many bytes.
  static func message(_ size: Int) -> String {
    let start =
      #"{"id":"msg_bench","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","#
      + #""text":""#
    let end =
      #""}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":200,"cache_creation_input_tokens":0,"#
      + #""cache_read_input_tokens":0,"output_tokens":150,"service_tier":"standard"}}"#
    return start + Prose.text(max(size - start.utf8.count - end.utf8.count, 1)) + end
  }

  static let start =
    event(
      "message_start",
      #"{"type":"message_start","message":{"id":"msg_bench","type":"message","role":"assistant","content":[],"#
        + #""model":"claude-sonnet-4-5","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":200,"output_tokens":1}}}"#
    )
    + event(
      "content_block_start",
      #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#)
  static let delta = event(
    "content_block_delta",
    #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}"#)
  static let end =
    event("content_block_stop", #"{"type":"content_block_stop","index":0}"#)
    + event(
      "message_delta",
      #"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":150}}"#
    )
    + event("message_stop", #"{"type":"message_stop"}"#)

  private static func event(_ name: String, _ data: String) -> String {
    "event: \(name)\ndata: \(data)\n\n"
  }
}

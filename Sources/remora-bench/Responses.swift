// The same answers as Stock's, in the Responses format.

/// Ready-made answers of a Responses API.
enum Responses {
  /// An answer's body of so many bytes.
  static func response(_ size: Int) -> String {
    let end = whole("completed", text: "")
    return whole("completed", text: Prose.text(max(size - end.utf8.count, 1)))
  }

  static let start =
    event("response.created", #""response":"# + whole("in_progress", text: nil))
    + event("response.in_progress", #""response":"# + whole("in_progress", text: nil))
    + event(
      "response.output_item.added",
      #""output_index":0,"item":{"id":"msg_bench","type":"message","status":"in_progress","content":[],"role":"assistant"}"#
    )
    + event("response.content_part.added", place + #","part":"# + part(""))
  static let delta = event("response.output_text.delta", place + #","delta":" word","logprobs":[]"#)
  static let end =
    event("response.output_text.done", place + #","text":" word","logprobs":[]"#)
    + event("response.content_part.done", place + #","part":"# + part(" word"))
    + event("response.output_item.done", #""output_index":0,"item":"# + item(" word"))
    + event("response.completed", #""response":"# + whole("completed", text: " word"))

  private static let place = #""item_id":"msg_bench","output_index":0,"content_index":0"#

  private static func part(_ text: String) -> String {
    #"{"type":"output_text","annotations":[],"logprobs":[],"text":""# + text + #""}"#
  }

  private static func item(_ text: String) -> String {
    #"{"id":"msg_bench","type":"message","status":"completed","content":["# + part(text)
      + #"],"role":"assistant"}"#
  }

  private static func whole(_ status: String, text: String?) -> String {
    let usage =
      #"{"input_tokens":200,"input_tokens_details":{"cached_tokens":0},"output_tokens":150,"#
      + #""output_tokens_details":{"reasoning_tokens":0},"total_tokens":350}"#
    return #"{"id":"resp_bench","object":"response","created_at":1700000000,"status":"\#(status)","#
      + #""error":null,"incomplete_details":null,"instructions":null,"model":"gpt-4o-mini","output":["#
      + (text.map(item) ?? "")
      + #"],"parallel_tool_calls":true,"temperature":0.7,"tool_choice":"auto","tools":[],"top_p":1.0,"#
      + #""service_tier":"default","store":true,"usage":"# + (text == nil ? "null" : usage) + "}"
  }

  private static func event(_ name: String, _ data: String) -> String {
    "event: \(name)\ndata: {\"type\":\"\(name)\",\"sequence_number\":1,\(data)}\n\n"
  }
}

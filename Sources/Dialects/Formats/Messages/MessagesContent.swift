// The content of a Messages turn as a chat's: texts, pictures, documents.

internal import Wire

extension MessagesRequest {
  /// Appends `,"content":…`: a string where there is only text, for many servers read nothing else, or a list of parts.
  func writeContent(_ content: Range<Int>, _ place: String, into chat: inout ChatBody)
    throws(RequestFault)
  {
    guard JSONView.kind(body, content) == .array else {
      return chat.content(body.extracting(content))
    }
    var number = 0
    var all = JSONArrayCursor(body, content)
    while let block = all.next() {
      try check(block, "\(place)[\(number)]")
      if type(block.value).equals("document") { nameLost(of: block.value, "\(place)[\(number)]", &chat) }
      number += 1
    }
    chat.out.append(",\"content\":")
    if !chat.target.isTranslated, holdsOnlyText(content) {
      chat.out.append("\"")
      var isFirst = true
      writeText(of: content, &isFirst, into: &chat)
      return chat.out.append("\"")
    }
    chat.out.append("[")
    var isFirst = true
    var position = 0
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      defer { position += 1 }
      if block.kind == .object, type(block.value).equals("tool_result") { continue }
      guard block.kind == .object, isContent(block.value) else {
        passOver(block.value, place, position, &chat)
        continue
      }
      try writePart(block.value, "\(place)[\(position)]", &isFirst, into: &chat)
    }
    chat.out.append("]")
  }

  /// Refuses what is no block, and a text that is none.
  func check(_ block: JSONArrayCursor.Element, _ place: String) throws(RequestFault) {
    guard block.kind == .object else {
      throw RequestFault(.invalid, place, "A block must be an object with a type.")
    }
    guard type(block.value).equals("text") else { return }
    guard let text = JSONView.value(body, in: block.value, at: "text"), JSONView.kind(body, text) == .string
    else { throw RequestFault(.invalid, place + ".text", "A text block must have a text.") }
  }

  /// Names what is said of a document and has no place in a chat. A file's title is its name.
  private func nameLost(of document: Range<Int>, _ place: String, _ chat: inout ChatBody) {
    let source = JSONView.content(body, in: document, at: "source", "type")
    let isText = source.equals("text") || source.equals("content")
    var members = JSONObjectCursor(body, document)
    while let member = members.next() {
      let isLost =
        member.keyIs("context", in: body) || isText && member.keyIs("title", in: body)
        || member.keyIs("citations", in: body) && asks(member.value)
      if isLost, member.kind != .null {
        chat.dropped.add(Array("\(place).".utf8 + body.extracting(member.key).array()).span)
      }
    }
  }

  private func asks(_ citations: Range<Int>) -> Bool {
    JSONView.value(body, in: citations, at: "enabled").flatMap { JSONValue.bool(body, $0) } == true
  }

  /// Names the blocks of a turn of which nothing is left but the results that were in it.
  func passOverAll(_ content: Range<Int>, _ place: String, _ chat: inout ChatBody) throws(RequestFault) {
    var position = 0
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      try check(block, "\(place)[\(position)]")
      if !type(block.value).equals("tool_result") { passOver(block.value, place, position, &chat) }
      position += 1
    }
  }

  /// A block that no chat has a word for is left out, and named.
  func passOver(_ block: Range<Int>, _ place: String, _ position: Int, _ chat: inout ChatBody) {
    chat.dropped.add(Array("\(place)[\(position)]".utf8).span)
  }

  func holdsOnlyText(_ content: Range<Int>) -> Bool {
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      let type = type(block.value)
      if type.equals("image") || type.equals("document") || type.equals("search_result") { return false }
    }
    return true
  }

  func holdsMark(_ content: Range<Int>) -> Bool {
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      if JSONView.value(body, in: block.value, at: "cache_control") != nil { return true }
    }
    return false
  }

  /// Appends the texts among blocks, still escaped, with a blank line between.
  func writeText(of content: Range<Int>, _ isFirst: inout Bool, into chat: inout ChatBody) {
    if JSONView.kind(body, content) == .string {
      if !isFirst { chat.out.append("\\n\\n") }
      isFirst = false
      return chat.out.append(JSONString.content(body, content))
    }
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      guard block.kind == .object, type(block.value).equals("text"),
        let text = JSONView.value(body, in: block.value, at: "text")
      else { continue }
      if !isFirst { chat.out.append("\\n\\n") }
      isFirst = false
      chat.out.append(JSONString.content(body, text))
    }
  }

  func writePart(
    _ block: Range<Int>, _ place: String, _ isFirst: inout Bool, into chat: inout ChatBody
  ) throws(RequestFault) {
    let type = type(block)
    chat.places?.note(part: place)
    if type.equals("document"), try writeDocumentText(block, place, &isFirst, into: &chat) { return }
    if !isFirst { chat.out.append(ASCII.comma) }
    isFirst = false
    if type.equals("text") {
      guard let text = JSONView.value(body, in: block, at: "text"), JSONView.kind(body, text) == .string
      else {
        throw RequestFault(.invalid, place + ".text", "A text block must have a text.")
      }
      chat.out.append("{\"type\":\"text\",\"text\":")
      let start = chat.out.count
      chat.out.append(body.extracting(text))
      chat.note(from: start)
    } else if type.equals("image") {
      chat.out.append("{\"type\":\"image_url\",\"image_url\":{\"url\":\"")
      try writeSource(block, place, into: &chat)
      chat.out.append("\"}")
    } else if type.equals("document") {
      chat.out.append("{\"type\":\"file\",\"file\":{\"filename\":")
      if let title = JSONView.value(body, in: block, at: "title"), JSONView.kind(body, title) == .string {
        chat.out.append(body.extracting(title))
      } else {
        chat.out.append("\"document.pdf\"")
      }
      chat.out.append(",\"file_data\":\"")
      try writeSource(block, place, into: &chat)
      chat.out.append("\"}")
    } else {
      chat.out.append("{\"type\":\"text\",\"text\":\"")
      var parts = false
      for name: StaticString in ["title", "source"] {
        if parts { chat.out.append("\\n") }
        chat.out.append(JSONView.content(body, in: block, at: name))
        parts = true
      }
      if let content = JSONView.value(body, in: block, at: "content") {
        var first = false
        writeText(of: content, &first, into: &chat)
      }
      chat.out.append("\"")
    }
    writeMark(of: block, place, into: &chat)
    chat.out.append("}")
  }

  /// Appends `,"cache_control":…` where the block marks the end of what a cache is to keep; where the provider has no such
  /// marks it is named. Providers in OpenAI's format keep what they like, and nothing is lost there.
  func writeMark(of block: Range<Int>, _ place: @autoclosure () -> String, into chat: inout ChatBody) {
    guard chat.target.isTranslated, let mark = JSONView.value(body, in: block, at: "cache_control"),
      JSONView.kind(body, mark) == .object
    else { return }
    if chat.target.keepsCacheControl {
      ChatRequest.appendMember("cache_control", body.extracting(mark), into: &chat.out)
    } else {
      chat.dropped.add(Array("\(place()).cache_control".utf8).span)
    }
  }

  /// Writes a document that is text as text; false where it is a file.
  func writeDocumentText(
    _ block: Range<Int>, _ place: String, _ isFirst: inout Bool, into chat: inout ChatBody
  ) throws(RequestFault) -> Bool {
    let type = JSONView.content(body, in: block, at: "source", "type")
    let content: Range<Int>?
    if type.equals("text") {
      content = JSONView.value(body, in: block, at: "source", "data")
    } else if type.equals("content") {
      content = JSONView.value(body, in: block, at: "source", "content")
    } else {
      return false
    }
    guard let content else {
      throw RequestFault(.invalid, place + ".source", "The document's source lacks what its type promises.")
    }
    if !isFirst { chat.out.append(ASCII.comma) }
    isFirst = false
    chat.out.append("{\"type\":\"text\",\"text\":\"")
    var first = true
    writeText(of: content, &first, into: &chat)
    chat.out.append("\"")
    writeMark(of: block, place, into: &chat)
    chat.out.append("}")
    return true
  }

  /// Appends a source as a URL, without quotes.
  func writeSource(_ block: Range<Int>, _ place: String, into chat: inout ChatBody)
    throws(RequestFault)
  {
    let type = JSONView.content(body, in: block, at: "source", "type")
    if type.equals("base64") {
      chat.out.append("data:")
      chat.out.append(JSONView.content(body, in: block, at: "source", "media_type"))
      chat.out.append(";base64,")
      return chat.out.append(JSONView.content(body, in: block, at: "source", "data"))
    }
    let url = JSONView.content(body, in: block, at: "source", "url")
    guard type.equals("url"), !url.isEmpty else {
      throw RequestFault(
        .unsupported, place + ".source",
        "Files that are kept at Anthropic can't be read elsewhere; send the data itself, or a URL.")
    }
    chat.out.append(url)
  }
}

// Pictures, sounds and documents of a Converse request: their bytes, or a place in S3; nothing is fetched.

internal import Wire

extension BedrockRequest {
  private static let images: [(type: StaticString, format: StaticString)] = [
    ("image/png", "png"), ("image/jpeg", "jpeg"), ("image/gif", "gif"), ("image/webp", "webp"),
  ]
  private static let documents: [(type: StaticString, format: StaticString)] = [
    ("application/pdf", "pdf"), ("text/csv", "csv"), ("text/plain", "txt"), ("text/html", "html"),
    ("text/markdown", "md"), ("application/msword", "doc"), ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
  ]
  private static let sounds: [StaticString] = ["wav", "mp3", "flac", "opus", "aac", "ogg", "m4a", "pcm"]

  /// Where a piece stands.
  enum Holder { case turn, result }

  /// - Returns: whether it is a document, which wants a text beside it.
  mutating func writeMedia(
    _ part: ChatPart, in holder: Holder, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) -> Bool {
    var isDocument = false
    switch part.kind {
    case .image: isDocument = try writeImage(part, body, &request)
    case .file: isDocument = try writeDocument(part, body, &request)
    case .audio: try writeAudio(part, body, &request)
    case .text, .refusal: break
    }
    if isDocument, holder == .turn { turns.noteDocument() }
    return isDocument
  }

  private mutating func writeImage(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) -> Bool {
    guard let url = part.value else { return false }
    let parameter = part.parameter + ".image_url"
    if let data = InlineData(body, url) { return try writeInline(data, part, parameter, body, &request) }
    let content = JSONString.content(body, url)
    guard content.count > 5, content.extracting(0..<5).equals("s3://") else {
      throw RequestFault(
        .unsupported, parameter,
        "The model's provider fetches no images from the web; send a data: URL, or one that begins with s3://."
      )
    }
    open("image", imageFormat(content), &request)
    request.body.append("\"s3Location\":{\"uri\":")
    request.body.append(body.extracting(url))
    request.body.append("}}}}")
    return false
  }

  /// A picture or a document, whichever the bytes are: a part of the one kind may hold the other.
  ///
  /// - Returns: whether it is a document.
  private mutating func writeInline(
    _ data: InlineData, _ part: ChatPart, _ parameter: String, _ body: Span<UInt8>,
    _ request: inout ProviderRequest
  ) throws(RequestFault) -> Bool {
    let type = data.type(body)
    if let known = Self.images.first(where: { type.span.equals($0.type) }) {
      open("image", known.format, &request)
      writeBytes(data, body, &request)
      return false
    }
    // Of what is called a picture only the bytes can say that it is a document.
    let documents = part.kind == .image ? Self.documents.prefix(1) : Self.documents[...]
    guard let known = documents.first(where: { type.span.equals($0.type) }) else {
      throw RequestFault(
        .unsupported, parameter,
        part.kind == .image
          ? "The model's provider takes JPEG, PNG, GIF and WebP images."
          : "The model's provider takes PDF, Word, Excel, CSV, HTML, Markdown and text documents.")
    }
    open("document", known.format, &request)
    request.body.append("\"bytes\":\"")
    data.appendBase64(body, into: &request.body)
    request.body.append("\"},\"name\":\"")
    appendName(part.kind == .file ? part.third : nil, body, &request)
    request.body.append("\"}}")
    return true
  }

  /// What the end of a name says of a picture.
  private func imageFormat(_ name: Span<UInt8>) -> StaticString {
    for (_, format) in Self.images {
      let count = format.utf8CodeUnitCount
      if name.count > count, name.extracting(name.count - count..<name.count).equalsIgnoringCase(format) {
        return format
      }
    }
    return "jpeg"
  }

  private mutating func writeDocument(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) -> Bool {
    guard let value = part.value else {
      throw RequestFault(
        .unsupported, part.parameter + ".file.file_id",
        "A file's id means nothing to the model's provider; send 'file_data'.")
    }
    let parameter = part.parameter + ".file.file_data"
    let data = InlineData(body, value)
    guard data != nil || !InlineData.isAddress(JSONString.content(body, value)) else {
      throw RequestFault(
        .unsupported, parameter,
        "The model's provider fetches no documents from the web; send a data: URL in base64.")
    }
    let bare = InlineData(bare: body, value, as: "application/pdf")
    return try writeInline(data ?? bare, part, parameter, body, &request)
  }

  /// A document's name: letters, digits, single spaces, hyphens, brackets; each one of its own, or the request is
  /// refused.
  private mutating func appendName(
    _ name: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    documents += 1
    request.body.append("document ")
    request.body.append(decimal: documents)
    guard let name else { return }
    let content = JSONString.content(body, name)
    var count = 0
    for at in 0..<content.count where count < 160 {
      let byte = content[at]
      // Whatever else a name holds, its end with the dot above all, is not allowed.
      let isPlain =
        ASCII.isDigit(byte) || ASCII.lower(byte) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "(")
        || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
      if count == 0 { request.body.append(" ") }
      request.body.append(isPlain ? byte : UInt8(ascii: "-"))
      count += 1
    }
  }

  private func writeAudio(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let value = part.value else { return }
    var format: StaticString?
    if let said = part.second {
      for known in Self.sounds where JSONString.equals(body, said, known) { format = known }
    }
    guard let format else {
      throw RequestFault(
        .unsupported, part.parameter + ".input_audio.format",
        "The model's provider takes wav, mp3, flac, opus, aac, ogg, m4a and pcm.")
    }
    let content = JSONString.content(body, value)
    if let data = InlineData(body, value) {
      open("audio", format, &request)
      return writeBytes(data, body, &request)
    }
    guard !InlineData.isAddress(content) else {
      throw RequestFault(
        .invalid, part.parameter + ".input_audio.data", "'data' must be the sound in base64, not its address."
      )
    }
    open("audio", format, &request)
    request.body.append("\"bytes\":\"")
    InlineData.appendBase64(content, into: &request.body)
    request.body.append("\"}}}")
  }

  /// Appends `{"image":{"format":"png","source":{`.
  private func open(_ kind: StaticString, _ format: StaticString, _ request: inout ProviderRequest) {
    request.body.append("{\"")
    request.body.append(kind)
    request.body.append("\":{\"format\":\"")
    request.body.append(format)
    request.body.append("\",\"source\":{")
  }

  private func writeBytes(_ data: InlineData, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    request.body.append("\"bytes\":\"")
    data.appendBase64(body, into: &request.body)
    request.body.append("\"}}}")
  }
}

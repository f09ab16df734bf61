// Pictures, sounds and documents as parts: in the request itself, or by an address that Google reads.

internal import Wire

extension GeminiRequest {
  /// Appends `{"inlineData":{…}}` or `{"fileData":{…}}`.
  func writeMedia(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    switch part.kind {
    case .text, .refusal: return
    case .image:
      guard let url = part.value else { return }
      try writeAddress(url, "image/jpeg", part.parameter + ".image_url", body, &request)
    case .audio: try writeAudio(part, body, &request)
    case .file: try writeFile(part, body, &request)
    }
  }

  private func writeAudio(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let value = part.value else { return }
    if let data = InlineData(body, value) { return writeInline(data, data.mediaType, body, &request) }
    if InlineData.isAddress(JSONString.content(body, value)) {
      return try writeAddress(value, "audio/wav", part.parameter + ".input_audio.data", body, &request)
    }
    request.body.append("{\"inlineData\":{\"mimeType\":\"audio/")
    if let format = part.second { JSONText.appendContent(body, format, into: &request.body) }
    if part.second == nil { request.body.append("wav") }
    request.body.append("\",\"data\":\"")
    InlineData.appendBase64(JSONString.content(body, value), into: &request.body)
    request.body.append("\"}}")
  }

  private func writeFile(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let type = part.third.flatMap { Self.mediaType(ofName: body, $0) } ?? "application/pdf"
    guard let value = part.value else {
      guard let id = part.second else { return }
      return try writeFileID(id, part.parameter + ".file.file_id", body, &request)
    }
    let content = JSONString.content(body, value)
    if InlineData(body, value) != nil || InlineData.isAddress(content) {
      return try writeAddress(value, type, part.parameter + ".file.file_data", body, &request)
    }
    let data = InlineData(bare: body, value, as: type)
    writeInline(data, data.type(body), body, &request)
  }

  /// A file that was uploaded before: its address, or its name at the Gemini API (`files/…`).
  private func writeFileID(
    _ id: Range<Int>, _ parameter: String, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let content = JSONString.content(body, id)
    if Self.isAddress(content) { return try writeAddress(id, nil, parameter, body, &request) }
    guard case .gemini = host, Self.begins(content, "files/") else {
      throw RequestFault(
        .unsupported, parameter,
        "This file's id means nothing to the model's provider; send 'file_data', or the address of a file of "
          + "Google's.")
    }
    request.body.append("{\"fileData\":{\"fileUri\":\"https://generativelanguage.googleapis.com/v1beta/")
    request.body.append(content)
    request.body.append("\"}}")
  }

  /// Appends what a `data:` URL holds, or the address itself where the model's host reads such.
  ///
  /// - Parameter fallback: the media type where the address doesn't tell it.
  private func writeAddress(
    _ url: Range<Int>, _ fallback: StaticString?, _ parameter: String, _ body: Span<UInt8>,
    _ request: inout ProviderRequest
  ) throws(RequestFault) {
    if let data = InlineData(body, url) {
      return writeInline(data, data.type(body), body, &request)
    }
    var text = ByteQueue()
    JSONString.decode(body, url, into: &text)
    let address = text.bytes
    guard Self.isAddress(address) else {
      throw RequestFault(
        .invalid, parameter, "The URL must begin with https:, http:, gs: or data: with base64.")
    }
    let isUploaded = Self.begins(address, "https://generativelanguage.googleapis.com/")
    let isVideo =
      Self.begins(address, "https://www.youtube.com/") || Self.begins(address, "https://youtube.com/")
      || Self.begins(address, "https://youtu.be/")
    if case .gemini = host, !isUploaded, !isVideo, !Self.begins(address, "gs://") {
      guard model.takesURLs, Self.begins(address, "https://") else {
        throw RequestFault(
          .unsupported, parameter,
          model.takesURLs
            ? "The model's provider reads addresses that begin with https: only; use one, or send a data: URL."
            : "This model reads no web addresses; send a data: URL.")
      }
    }
    request.body.append("{\"fileData\":{\"fileUri\":")
    request.body.append(body.extracting(url))
    let type = isVideo ? "video/mp4" : Self.mediaType(of: address) ?? (isUploaded ? nil : fallback)
    if let type {
      request.body.append(",\"mimeType\":\"")
      request.body.append(type)
      request.body.append("\"")
    }
    request.body.append("}}")
  }

  private func writeInline(
    _ data: InlineData, _ type: [UInt8], _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    request.body.append("{\"inlineData\":{\"mimeType\":")
    JSONWriter.string(type.span, into: &request.body)
    request.body.append(",\"data\":\"")
    data.appendBase64(body, into: &request.body)
    request.body.append("\"}}")
  }

  // MARK: Addresses and names

  private static func isAddress(_ text: Span<UInt8>) -> Bool {
    begins(text, "https:") || begins(text, "http:") || begins(text, "gs:")
  }

  /// Whether the text begins with `prefix`, which is in lower case.
  private static func begins(_ text: Span<UInt8>, _ prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    return text.count > count && text.extracting(0..<count).equalsIgnoringCase(prefix)
  }

  private static func mediaType(ofName body: Span<UInt8>, _ name: Range<Int>) -> StaticString? {
    mediaType(of: JSONString.content(body, name))
  }

  /// The media type that the name's ending tells; a query and a fragment are not a part of it.
  static func mediaType(of name: Span<UInt8>) -> StaticString? {
    var end = 0
    while end < name.count, name[end] != UInt8(ascii: "?"), name[end] != UInt8(ascii: "#") { end += 1 }
    var dot = end
    while dot > 0, end - dot < 6, name[dot - 1] != UInt8(ascii: ".") { dot -= 1 }
    guard dot > 0, name[dot - 1] == UInt8(ascii: ".") else { return nil }
    let ending = name.extracting(dot..<end)
    for (known, type) in mediaTypes where ending.equalsIgnoringCase(known) { return type }
    return nil
  }

  /// What Gemini reads (docs: "Image understanding", "Document understanding", "Audio", "Video").
  private static let mediaTypes: [(StaticString, StaticString)] = [
    ("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp"),
    ("gif", "image/gif"), ("heic", "image/heic"), ("heif", "image/heif"), ("pdf", "application/pdf"),
    ("mp4", "video/mp4"), ("mov", "video/mov"), ("mpeg", "video/mpeg"), ("mpg", "video/mpg"),
    ("webm", "video/webm"), ("avi", "video/avi"), ("wmv", "video/wmv"), ("flv", "video/x-flv"),
    ("3gp", "video/3gpp"), ("mp3", "audio/mp3"), ("wav", "audio/wav"), ("aac", "audio/aac"),
    ("ogg", "audio/ogg"), ("flac", "audio/flac"), ("aiff", "audio/aiff"), ("m4a", "audio/m4a"),
    ("txt", "text/plain"), ("md", "text/markdown"), ("csv", "text/csv"), ("html", "text/html"),
    ("htm", "text/html"), ("xml", "text/xml"), ("json", "application/json"),
  ]
}

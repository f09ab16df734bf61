// An answer on its way to the application: its head, and what its body says, out of its framing.

import HTTP
import Tape
import Transport
import Wire

/// What has come of an answer, and what it says.
struct Taping: ~Copyable {
  private(set) var status = 0
  private var fields: [(name: String, value: String)] = []
  private(set) var hasEnded = false
  private(set) var isWhole = false
  private var isEvents = false
  private var isTooLarge = false
  /// Bytes of the events so far.
  private var eventSize = 0
  private var waiting = ByteQueue()
  private var content = ByteQueue()
  private var flow = BodyFlow(.none)
  private(set) var framing = Framing.none
  private var scanner = HeadScanner(for: .upstream)
  private var decoder = EventDecoder()
  private var events: [TakenExchange.Event] = []
  private var last: Instant
  /// What came with the head, framing and all.
  private var rest: [UInt8] = []
  private var hasGivenHead = false

  var hasHead: Bool { hasGivenHead }

  /// Larger ones are passed on and not kept.
  private static let ceiling = 8 << 20

  init(began: Instant) { last = began }

  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  /// - Parameter now: when it was read.
  mutating func take(_ piece: [UInt8], at now: Instant = .now, isHead: Bool) {
    waiting.append(piece)
    if status == 0, !readHead(isHead) { return }
    do throws(BodyFault) { try flow.take(&waiting, into: &content, limit: .max) } catch {
      hasEnded = true
      return
    }
    if isEvents, !isTooLarge { takeEvents(at: now) }
    if content.count + eventSize > Self.ceiling {
      isTooLarge = true
      events = []
    }
    if isTooLarge { content.removeAll() }
    if flow.hasEnded {
      hasEnded = true
      isWhole = true
    }
  }

  /// The connection has ended.
  mutating func end() {
    hasEnded = true
    isWhole = isWhole || (status != 0 && flow.mayEndHere)
  }

  private mutating func readHead(_ isHead: Bool) -> Bool {
    while true {
      var head = ResponseHead()
      let bytes = waiting.array()
      guard let size = (try? head.read(bytes.span, &scanner)) ?? nil else { return false }
      if head.isInterim {
        waiting.consume(size)
        scanner.reset()
        continue
      }
      status = head.status
      fields = head.fields.map { field in
        (
          waiting.bytes.extracting(field.name).text().lowercased(),
          waiting.bytes.extracting(field.value).text()
        )
      }
      framing = (try? head.framing(toMethod: isHead ? .head : .get)) ?? .none
      flow = BodyFlow(framing)
      isEvents = field("content-type")?.lowercased().hasPrefix("text/event-stream") == true
      waiting.consume(size)
      rest = waiting.bytes.array()
      return true
    }
  }

  /// The head as the application gets it, with what came behind it; nil where it isn't whole yet.
  mutating func takeHead() -> (status: Int, fields: [(String, String)], rest: [UInt8])? {
    guard status != 0, !hasGivenHead else { return nil }
    hasGivenHead = true
    var own = ["connection", "keep-alive"]
    // The length of a body that isn't sent, for HEAD, is the provider's word.
    if framing != .none { own += ["content-length", "transfer-encoding"] }
    let shown = fields.filter { !own.contains($0.name) }.map { ($0.name, $0.value) }
    return (status, shown, rest)
  }

  private mutating func takeEvents(at now: Instant) {
    var at = 0
    // A copy of what isn't a whole event yet: what has been taken is gone from it.
    let text = content.array()
    while case .event(let event)? = try? decoder.next(text.span, from: at) {
      at = event.whole.upperBound
      guard event.dataLines > 0 else { continue }
      var data = ByteQueue()
      EventDecoder.data(of: event, in: text.span, into: &data)
      let name = event.name.map { String(decoding: text[$0], as: UTF8.self) } ?? ""
      let bytes = data.array()
      eventSize += bytes.count
      events.append((gap: now.nanoseconds(since: last) / 1_000_000, data: bytes, name: name))
      last = now
    }
    content.consume(at)
  }

  /// What is to be kept, for the thread that does it.
  func taken(of request: TapeIncoming) -> TakenExchange {
    TakenExchange(request: request, status: status, fields: fields, isWhole: isWhole, content: taken)
  }

  private var taken: TakenExchange.Content {
    if isTooLarge { return .tooLarge }
    if isEvents { return .events(events) }
    return .bytes(content.array(), isJSON: field("content-type")?.lowercased().contains("json") == true)
  }

  /// Nil where it is too large to keep.
  var body: TapeAnswer.Body? { taken.parted?.body }
}

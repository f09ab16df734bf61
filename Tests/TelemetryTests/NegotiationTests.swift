import Telemetry
import Testing

@Suite("Negotiation") struct NegotiationTests {
  @Test(
    "the scraper's wish is met",
    arguments: [
      ("", false), ("text/plain", false), ("text/plain; version=0.0.4", false), ("*/*", false),
      ("text/*", false),
      ("application/openmetrics-text", true), ("application/openmetrics-text; version=1.0.0", true),
      ("APPLICATION/OpenMetrics-Text;Version=\"1.0.0\"", true),
      ("application/openmetrics-text;version=0.0.1", false),
      ("application/openmetrics-text;version=2.0.0", false), ("application/*", true),
      ("application/openmetrics-text;q=0", false), ("application/openmetrics-text;q=0,*/*", false),
      ("application/openmetrics-text;q=0.5,text/plain;q=0.6", false),
      ("application/openmetrics-text;q=0.6,text/plain;q=0.5", true),
      ("application/openmetrics-text,text/plain", true), ("text/plain,application/openmetrics-text", false),
      ("application/openmetrics-text;q=0.5,*/*;q=0.5", true),
      ("application/openmetrics-text;q=0.2,*/*", false),
      ("text/plain;q=0,*/*;q=0.1", true), ("text/html,application/xhtml+xml,*/*;q=0.8", false),
      // What Prometheus 3 and Prometheus 2 send.
      (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
          + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
          + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true
      ),
      ("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", false),
      (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
          + "text/plain;version=0.0.4;q=0.3", false
      ),
      // Nonsense.
      (",,;;,=;q", false), ("\"", false), ("\"\\", false), ("a\"b,c\"", false), (";q=1", false),
      ("text", false),
      ("application/openmetrics-text;q=2", false), ("application/openmetrics-text;q=1.001", false),
      ("application/openmetrics-text;q=0.0001", false), ("application/openmetrics-text;q=", false),
      ("application/openmetrics-text;q=0.001", true), ("application/openmetrics-text;q=1.", true),
      ("application/openmetrics-text;x=\"a,b;q=0\"", true), ("\u{FFFD}\u{0}", false),
    ])
  func negotiate(_ accept: String, _ isOpenMetrics: Bool) {
    let format = Exposition.negotiate(accept: Array(accept.utf8).span)
    #expect(format == (isOpenMetrics ? .openMetrics : .prometheusText))
  }

  @Test("no prefix of a field traps")
  func prefixes() {
    let field = Array(
      " Text/Plain ; version=\"0\\\"4\";q=0.123 , application/openmetrics-text ;q=1.000,*/*".utf8)
    for end in 0...field.count { _ = Exposition.negotiate(accept: Array(field[..<end]).span) }
  }

  @Test("content types are exact")
  func contentTypes() {
    #expect("\(Exposition.Format.prometheusText.contentType)" == "text/plain; version=0.0.4; charset=utf-8")
    #expect(
      "\(Exposition.Format.openMetrics.contentType)"
        == "application/openmetrics-text; version=1.0.0; charset=utf-8")
  }
}

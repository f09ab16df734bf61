// Durations, sizes, addresses and URLs: tables of what is read and what is refused.

import Testing

@testable import Config

@Suite struct QuantityTests {
  @Test(
    "durations",
    arguments: [
      ("250ms", Duration.milliseconds(250)), ("5s", .seconds(5)), ("10m", .seconds(600)),
      ("1h", .seconds(3600)),
      ("30d", .seconds(30 * 86400)), ("0s", .zero), ("1500ms", .milliseconds(1500)),
    ])
  func durations(_ text: String, _ expected: Duration) throws {
    #expect(try Quantity.duration(text) == expected)
    #expect(try Quantity.duration(Quantity.text(expected)) == expected)
  }

  @Test(
    "not durations",
    arguments: [
      "", "5", "s", "-5s", "1.5s", "5 s", "5w", "5S", "1h30m", "99999999999999999999s",
      "9223372036854775807d", "٥s", "５s",
    ])
  func badDurations(_ text: String) {
    #expect(throws: Refused.self) { try Quantity.duration(text) }
  }

  @Test(
    "sizes",
    arguments: [
      ("0", 0), ("512", 512), ("7B", 7), ("64KiB", 64 << 10), ("10MiB", 10 << 20), ("1GiB", 1 << 30),
    ])
  func sizes(_ text: String, _ expected: Int) throws {
    #expect(try Quantity.size(text) == expected)
    #expect(try Quantity.size(Quantity.text(size: expected)) == expected)
  }

  @Test(
    "not sizes",
    arguments: ["", "MiB", "10MB", "10M", "-1", "1.5MiB", "99999999999999999999", "9223372036854775807KiB"])
  func badSizes(_ text: String) {
    #expect(throws: Refused.self) { try Quantity.size(text) }
  }

  @Test("shares", arguments: [("0%", 0), ("20%", 20), ("100%", 100)])
  func shares(_ text: String, _ expected: Int) throws {
    #expect(try Quantity.percent(text) == expected)
  }

  @Test("not shares", arguments: ["", "%", "20", "101%", "-1%", "1.5%"])
  func badShares(_ text: String) {
    #expect(throws: Refused.self) { try Quantity.percent(text) }
  }

  @Test(
    "addresses",
    arguments: [
      ("127.0.0.1:4141", Address.tcp(host: "127.0.0.1", port: 4141)),
      ("[::1]:4141", .tcp(host: "::1", port: 4141)),
      ("0.0.0.0:0", .tcp(host: "0.0.0.0", port: 0)), ("localhost:80", .tcp(host: "localhost", port: 80)),
      ("unix:/run/x.sock", .unix(path: "/run/x.sock")),
      ("a-b.c_d.:65535", .tcp(host: "a-b.c_d.", port: 65535)),
    ])
  func addresses(_ text: String, _ expected: Address) throws {
    #expect(try Address.read(text) == expected)
    #expect(expected.text == text)
    #expect(Address.parse(text) == expected)
  }

  @Test(
    "not addresses",
    arguments: [
      "", ":", ":4141", "4141", "127.0.0.1", "::1:4141", "[::1]", "[::1", "[::1]4141", "[1.2.3.4]:1", "a:b",
      "a:65536",
      "a:-1", "a:+1", "1.2.3:4", "1.2.3.256:4", "*:1", "-a:1", "a b:1", "unix:x", "unix:", "http://a:1",
      "é:1", "[::1%lo]:1",
    ])
  func badAddresses(_ text: String) {
    #expect(throws: Refused.self) { try Address.read(text) }
    #expect(Address.parse(text) == nil)
  }

  @Test("a Unix socket's path fits its structure")
  func unixPath() {
    #expect(Address.parse("unix:/" + String(repeating: "a", count: 106)) != nil)
    #expect(Address.parse("unix:/" + String(repeating: "a", count: 107)) == nil)
  }

  @Test(
    "base URLs",
    arguments: [
      ("https://api.openai.com/v1", "https://api.openai.com/v1", 443),
      ("HTTP://Host:8000/", "http://host:8000", 8000),
      ("https://h:443//", "https://h", 443), ("http://[::1]:11434", "http://[::1]:11434", 11434),
      ("https://h/a%20b/c", "https://h/a%20b/c", 443), ("http://h", "http://h", 80),
    ])
  func urls(_ text: String, _ expected: String, _ port: Int) throws {
    let url = try BaseURL.read(text)
    #expect(url.text == expected && url.port == port)
  }

  @Test(
    "not base URLs",
    arguments: [
      "", "host", "ftp://h", "https://", "https:///v1", "https://u@h", "https://u:p@h/v1", "https://h?x",
      "https://h/v1?x=1",
      "https://h#f", "https://h:0", "https://h:99999", "https://h:", "https://h/a b", "https://h/é",
      "https://h/../x",
      "https://h\\x", "https://-h", "https://h/\u{1}",
    ])
  func badURLs(_ text: String) {
    #expect(throws: Refused.self) { try BaseURL.read(text) }
  }

  @Test(
    "the nearest name is one that could be meant",
    arguments: [
      ("lisen", "listen"), ("Listen", "listen"), ("baseurl", "base_url"), ("conect", "connect"),
      ("liste", "listen"),
      ("zzz", nil), ("", nil), ("completely_else", nil),
    ])
  func nearest(_ name: String, _ expected: String?) {
    #expect(Name.nearest(to: name, in: ["listen", "base_url", "connect", "admin"]) == expected)
  }
}

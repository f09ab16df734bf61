import Detect
import Testing
import Wire

/// What begins at many places of a text is read once for all of them, and found at each as if it stood there alone.
@Suite("Beginnings one upon the other")
struct ReadAheadTests {
  private static let secrets = PersonalData(Entities(.secret))

  @Test("hide no credential that begins among them")
  func credentials() {
    let token = "glpat-xK3mQ9vLz2Rt7WpYc4Nd"
    for beginnings in ["glpat-", "glpat--", "glrt-", "sk-proj-", "xoxa-", "https://", "ops_eyJ+", "A3-"] {
      for count in [1, 2, 7, 40] {
        let text = String(repeating: beginnings, count: count) + "," + token
        #expect(Self.secrets.found(text).map(\.text) == [token], "\(text)")
      }
    }
  }

  @Test("are measured for themselves: one of too few different letters doesn't speak for the next")
  func entropy() {
    let dull = "glpat-" + String(repeating: "a", count: 19) + "-"
    let token = "glpat-xK3mQ9vLz2Rt7WpYc4Nd"
    for between in ["", "-", ".", " "] {
      let found = Self.secrets.found(dull + between + dull + ",\(token),\(dull),\(token)").map(\.text)
      #expect(found == [token, token])
    }
  }

  @Test("hide no private key, and a head without an end finds none")
  func privateKeys() {
    let body = String(repeating: "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n", count: 4)
    let key = "-----BEGIN RSA PRIVATE KEY-----\n\(body)-----END RSA PRIVATE KEY-----"
    let heads = String(repeating: "-----BEGIN ! PRIVATE KEY !! ", count: 50)
    #expect(Self.secrets.found(heads).isEmpty)
    #expect(Self.secrets.found(heads + String(repeating: "! ", count: 9000) + key).map(\.text) == [key])
    #expect(Self.secrets.found(key + " and " + key).map(\.text) == [key, key])
  }

  @Test("leave an address to stand behind others, but not in a locator")
  func addresses() {
    let data = PersonalData(.usual)
    for before in ["a@", "a@a@", "x://u@", "://", "://a@b.cc;", "https://user:word@"] {
      for count in [1, 3, 30] {
        let text = String(repeating: before, count: count) + " ann@example.com"
        #expect(data.found(text).last?.text == "ann@example.com", "\(text)")
      }
      #expect(data.found(before + String(repeating: "-", count: 70) + "(ann@example.com").count == 1)
    }
    #expect(data.found("see https://x/?ann@example.com").isEmpty)
    #expect(data.found("see https://x/;b@c.dd;ann@example.com").isEmpty)
    #expect(data.found("ann@example.com.js").isEmpty)
    #expect(data.found("ann@example.co.JS.com").map(\.text) == ["ann@example.co.JS.com"])
  }

  @Test("hide no address of which a run of groups holds the beginning")
  func addressBehindGroups() {
    let all = PersonalData(.usual.union(Entities(.mac)))
    let addresses: [(String, Entity)] = [
      ("2001:db8::1", .ip), ("12:34:56:78:9:a:b:c", .ip), ("00-11-22-33-44-5a", .mac),
      ("0012.3456.789a", .mac), ("00:11:22:33:44:5a", .mac),
    ]
    for before in ["5 ", "1 2 3 ", "0/52-0-99.7 ", "1-2\u{2009}", String(repeating: "1 ", count: 9)] {
      for (address, entity) in addresses {
        let found = all.found(before + address)
        #expect(found.map(\.text) == [address] && found.map(\.entity) == [entity], "\(before)\(address)")
      }
    }
    #expect(all.found("5 12-34-56:7, 5 1-2001:db8::1, 5 00-11-22a").isEmpty)
  }

  @Test("leave a number its own words, wherever in a run of groups it stands")
  func words() {
    let data = PersonalData(.usual)
    #expect(data.found("call 1 555 123 4567").map(\.entity) == [.phone])
    #expect(data.found("call me at 11 22 33 44").map(\.entity) == [.phone])
    #expect(data.found("11 22 33 44 office").map(\.entity) == [.phone])
    #expect(data.found("11 22 33 44").isEmpty)
    // The word stands too far before the group, or its sentence has ended.
    #expect(data.found("phone 1-2-3 4-5-6 7-8-9 1-2-3 4-5-6 7-8-9 1-2-3 4-5-6 7-8-9 1-2-3 1122334").isEmpty)
    #expect(data.found("phone. It is 11 22 33 44").isEmpty)
    #expect(data.found("ssn 078051120, card 4000 1234 5678 9017").map(\.entity) == [.ssn, .creditCard])
    #expect(data.found("tel 0049 30 901820").map(\.text) == ["0049 30 901820"])
    #expect(data.found("tel 0049(0)30(901820)").map(\.entity) == [.phone])
    #expect(data.found("00  49 30 901820").isEmpty)
  }
}

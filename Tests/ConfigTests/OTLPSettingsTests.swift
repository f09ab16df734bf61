// Where telemetry goes: the file first, then OpenTelemetry's variables.

import Testing
import Wire

@testable import Config

@Suite("OTLPSettings") struct OTLPSettingsTests {
  private func resolve(_ otlp: String?, _ environment: [String: String] = [:]) throws -> OTLPSettings? {
    let text = "providers: { mock: }\n" + (otlp.map { "telemetry: { otlp: \($0) }" } ?? "")
    let loaded = Fixture.decode(text: text, environment)
    #expect(loaded.problems.map(\.description) == [])
    let settings = try #require(loaded.settings)
    return OTLPSettings.resolve(settings, Environment(environment), version: "1")
  }

  @Test("nothing said is nothing exported")
  func off() throws {
    #expect(try resolve(nil) == nil)
    #expect(try resolve(nil, ["OTEL_SERVICE_NAME": "a", "OTEL_EXPORTER_OTLP_ENDPOINT": ""]) == nil)
    #expect(
      try resolve(nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1", "OTEL_SDK_DISABLED": "TRUE"]) == nil)
    // Who names a collector in the file wants it.
    #expect(try resolve("{ endpoint: \"http://c:1\" }", ["OTEL_SDK_DISABLED": "true"]) != nil)
  }

  @Test(
    "an address says where traces go",
    arguments: [
      ("{ endpoint: \"http://c:4318\" }", [:], "/v1/traces"),
      ("{ endpoint: \"http://c:4318/\" }", [:], "/v1/traces"),
      ("{ endpoint: \"http://c:4318/api/otel\" }", [:], "/api/otel/v1/traces"),
      ("{ endpoint: \"http://c:4318/v1/traces\" }", [:], "/v1/traces"),
      (nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/x"], "/x/v1/traces"),
      (nil, ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/x"], "/x"),
      (nil, ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318"], "/"),
      (
        nil,
        ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/t", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://d/x"],
        "/t"
      ),
    ] as [(String?, [String: String], String)])
  func target(_ otlp: String?, _ environment: [String: String], _ target: String) throws {
    let traces = try #require(try resolve(otlp, environment)?.traces)
    #expect(traces.target == target && traces.url.host == "c")
  }

  @Test("words are read in any case, as OpenTelemetry's are")
  func words() throws {
    let address = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"]
    func said(_ name: String, _ value: String) throws -> OTLPSettings? {
      try resolve(nil, address.merging([name: value]) { $1 })
    }
    #expect(try said("OTEL_TRACES_SAMPLER", "Always_Off")?.sample == 0)
    #expect(try said("OTEL_TRACES_EXPORTER", "None")?.traces == nil)
    #expect(try said("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/Protobuf")?.warnings.isEmpty == true)
    #expect(try said("OTEL_EXPORTER_OTLP_COMPRESSION", "NONE")?.traces?.isCompressed == false)
  }

  @Test(
    "what can't be read is warned of, and its default holds",
    arguments: [
      ("OTEL_TRACES_SAMPLER", "some"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
      ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
      ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
      ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
      ("OTEL_EXPORTER_OTLP_HEADERS", "a=%zz"), ("OTEL_RESOURCE_ATTRIBUTES", "=b"),
    ])
  func warnings(_ name: String, _ value: String) throws {
    let said = try #require(try resolve("{ endpoint: \"http://c:4318\" }", [name: value]))
    #expect(said.warnings.count == 1 && said.warnings[0].contains(name))
    #expect(said.sample == 1 && said.queue == 2048 && said.traces?.timeout == .seconds(10))
    #expect(said.traces?.isCompressed == true)
  }

  @Test("the port of gRPC is named, in the file and in a variable")
  func port() throws {
    let loaded = Fixture.decode(
      text: "providers: { mock: }\ntelemetry: { otlp: { endpoint: \"http://c:4317\" } }")
    #expect(loaded.warnings.filter { $0.message.contains("4318") }.count == 1)
    let said = try #require(try resolve(nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"]))
    #expect(said.warnings.count == 1 && said.warnings[0].contains("4318"))
  }

  @Test("Remora itself is no collector")
  func itself() throws {
    for port in [4141, 4142] {
      let loaded = Fixture.decode(
        text: "providers: { mock: }\ntelemetry: { otlp: { endpoint: \"http://localhost:\(port)\" } }")
      #expect(loaded.problems.count == 1 && loaded.problems[0].message.contains("is Remora itself"))
      let said = try #require(try resolve(nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)"]))
      #expect(said.traces == nil && said.warnings.count == 1)
    }
  }

  @Test("an entry without an address is a problem unless a variable has one")
  func address() {
    let text = "providers: { mock: }\ntelemetry: { otlp: { sample: 0.5 } }"
    #expect(Fixture.decode(text: text).problems.count == 1)
    #expect(Fixture.decode(text: text, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"]).problems.isEmpty)
    for sample in ["1.5", "-1", "all"] {
      let text = "providers: { mock: }\ntelemetry: { otlp: { endpoint: \"http://c:1\", sample: \(sample) } }"
      #expect(Fixture.decode(text: text).problems.count == 1)
    }
  }
}

// One name for a type whose module shares its name with a setting.

internal import Telemetry

/// Which API a request is for.
typealias APIEndpoint = Endpoint

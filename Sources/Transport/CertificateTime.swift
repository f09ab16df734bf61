// How long a listener's certificate is still good, for readiness and alerts.

internal import COpenSSL

extension TLSContext {
  /// Seconds until its own certificate ends, negative where it has; nil where it has none.
  package var secondsLeft: Int? {
    guard let certificate = unsafe SSL_CTX_get0_certificate(raw),
      let end = unsafe X509_get0_notAfter(certificate)
    else { return nil }
    var days: Int32 = 0
    var seconds: Int32 = 0
    guard unsafe ASN1_TIME_diff(&days, &seconds, nil, end) == 1 else { return nil }
    return Int(days) * 86_400 + Int(seconds)
  }
}

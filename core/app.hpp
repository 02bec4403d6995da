#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http.hpp"
#include "core/ports.hpp"
#include "core/sas_signer.hpp"
#include "core/site.hpp"

namespace blobvalet {

/// What the log says of one request: these fields and no others, so that neither a key nor a signature can
/// get into it. Views stay valid until the next request.
struct Event {
  std::string_view endpoint;
  std::string_view request_id;
  std::string_view user;
  std::string_view verb;  ///< PUT or DELETE; empty until known
  std::string_view account;
  std::string_view container;
  std::string_view blob;
  std::string_view rule;
  Status status = Status::ok;
  std::string_view code;    ///< `ok`, or the error's code
  std::string_view reason;  ///< what the client is not told
};

/// Answers requests. It keeps signing contexts and buffers, so each thread has an App of its own; the Site
/// behind them is shared.
class App {
 public:
  /// `probe` may be null: then callbacks are not verified against Azure.
  App(std::shared_ptr<const Site> site, const Clock& clock, BlobProbe* probe = nullptr);

  /// Answers `request` into `response`, whatever the request is; throws nothing that bad input causes.
  /// The event's views end with the request's and with the next call.
  Event handle(const Request& request, Response& response);

  /// Answers `request` with `error` instead of looking at it.
  static Event fail(const Error& error, const Request& request, Response& response);

 private:
  [[nodiscard]] Result<void> route(const Request& request, Response& response, Event& event);
  [[nodiscard]] Result<void> answer_signature(const Request& request, Response& response, Event& event);
  [[nodiscard]] Result<void> answer_success(const Request& request, Response& response, Event& event);
  [[nodiscard]] Result<void> accept_upload(const Request& request, Event& event);
  [[nodiscard]] Result<SasGrant> grant(std::string_view blob_uri, BlobVerb verb, const Request& request,
                                       Event& event);

  std::shared_ptr<const Site> site_;
  const Clock& clock_;
  BlobProbe* probe_;
  std::vector<SasSigner> signers_;  ///< one for each account
  std::string blob_uri_;            ///< decoded bloburi of the current request
  std::string blob_name_;           ///< decoded name of the current request, where names come encoded
};

}  // namespace blobvalet

#include "core/blob_probe.hpp"

#include <charconv>

#include "core/azure_failure.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

constexpr unsigned kRetries = 3;
constexpr StaticText kCannotCheck = "the upload cannot be checked now";

tl::unexpected<Error> refused(StaticText log_reason) {
  return refuse(Errc::azure_refused, "", kCannotCheck, log_reason);
}

tl::unexpected<Error> unexpected_answer(const HttpAnswer& answer, UtcSeconds now) {
  return tl::unexpected(unexpected_azure_answer(answer, now, kCannotCheck));
}

std::optional<BlobProperties> read_properties(const HttpAnswer& answer) {
  BlobProperties properties;
  const std::string_view length = answer.header("content-length");
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), properties.size_bytes);
  if (error != std::errc{} || end != length.data() + length.size()) return std::nullopt;
  properties.content_type = answer.header("content-type");
  properties.blob_type = answer.header("x-ms-blob-type");
  properties.etag = answer.header("etag");
  properties.last_modified = answer.header("last-modified");
  properties.content_md5 = answer.header("content-md5");
  properties.copy_status = answer.header("x-ms-copy-status");
  properties.filename = answer.header("x-ms-meta-qqfilename");
  const bool complete = !properties.blob_type.empty() && !properties.etag.empty();
  return complete ? std::optional(std::move(properties)) : std::nullopt;
}

HttpCall call_of(std::string method, const SasGrant& upload) {
  HttpCall call;
  call.method = std::move(method);
  call.connect_timeout = upload.rule().verify.connect_timeout;
  call.timeout = upload.rule().verify.deadline;
  return call;
}

}  // namespace

Result<HttpAnswer> BlobProbe::ask(HttpCall call, const SasGrant& upload, ServiceOperation operation,
                                  std::string_view query, Timer::Time deadline) {
  if (auto authorized = authorization_.authorize(call, upload, operation, query); !authorized) {
    return tl::unexpected(authorized.error());
  }
  auto outcome = sender_.send(call, deadline, kRetries);
  wipe(call);
  if (!outcome) return tl::unexpected(no_azure_answer(outcome.error(), kCannotCheck));
  return std::move(*outcome);
}

Result<std::optional<BlobProperties>> BlobProbe::properties(const SasGrant& upload, Timer::Time deadline) {
  const auto answer = ask(call_of("HEAD", upload), upload, ServiceOperation::read, {}, deadline);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 404) return std::nullopt;
  if (answer->status != 200) return unexpected_answer(*answer, clock_.now());
  auto properties = read_properties(*answer);
  if (!properties) return refused("the endpoint's answer is not that of a storage account");
  return properties;
}

Result<std::string> BlobProbe::first_bytes(const SasGrant& upload, std::string_view etag,
                                           Timer::Time deadline) {
  HttpCall call = call_of("GET", upload);
  call.headers.push_back("x-ms-range: bytes=0-" + std::to_string(kFirstBytes - 1));
  call.headers.push_back("If-Match: " + std::string(etag));
  call.max_answer_bytes = kFirstBytes;
  auto answer = ask(std::move(call), upload, ServiceOperation::read, {}, deadline);
  if (!answer) return tl::unexpected(answer.error());
  switch (answer->status) {
    case 200:
    case 206: return std::move(answer->body);
    case 416: return std::string();  // an empty blob has no first byte
    case 404:
    case 412: return refuse(Errc::busy, "blob", "is being changed; try again");
    default: return unexpected_answer(*answer, clock_.now());
  }
}

Result<void> BlobProbe::remove(const SasGrant& upload, std::string_view etag, Timer::Time deadline) {
  HttpCall call = call_of("DELETE", upload);
  call.headers.push_back("If-Match: " + std::string(etag));
  const auto answer = ask(std::move(call), upload, ServiceOperation::remove, {}, deadline);
  if (!answer) return tl::unexpected(answer.error());
  const bool replaced = answer->status == 412 && answer->header("x-ms-error-code") == "ConditionNotMet";
  if (answer->status == 202 || answer->status == 404 || replaced) return {};
  return unexpected_answer(*answer, clock_.now());
}

Result<void> BlobProbe::tag(const SasGrant& upload, Timer::Time deadline) {
  HttpCall call = call_of("PUT", upload);
  call.headers.emplace_back("Content-Type: application/xml; charset=UTF-8");
  call.body =
      R"(<?xml version="1.0" encoding="utf-8"?><Tags><TagSet><Tag><Key>blobvalet</Key><Value>refused</Value></Tag></TagSet></Tags>)";
  const auto answer = ask(std::move(call), upload, ServiceOperation::tag, "comp=tags", deadline);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 204) return {};
  return unexpected_answer(*answer, clock_.now());
}

}  // namespace blobvalet

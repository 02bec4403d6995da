#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace blobvalet {

/// A storage service version, `sv`. It decides which fields are signed, and, since Fine Uploader sends no
/// `x-ms-version`, also the limits of the upload itself (4,000 MiB per block from 2019-12-12).
class SasVersion {
 public:
  /// The default: its fields are known to every emulator and sovereign cloud, and its limits are modern.
  static constexpr std::string_view kDefault = "2023-11-03";
  /// The oldest and newest version whose string-to-sign is known here.
  static constexpr std::string_view kOldest = "2018-11-09";
  static constexpr std::string_view kNewest = "2026-10-06";

  /// A date `YYYY-MM-DD` from kOldest to kNewest; nothing for any other text.
  [[nodiscard]] static std::optional<SasVersion> parse(std::string_view text);

  SasVersion() = default;
  [[nodiscard]] std::string_view view() const { return text_; }

  // Which blocks of fields the string-to-sign of this version has. Versions are dates in text, so comparing
  // the text compares the dates.
  [[nodiscard]] bool signs_encryption_scope() const { return text_ >= "2020-12-06"; }
  [[nodiscard]] bool signs_authorized_object_ids() const { return text_ >= "2020-02-10"; }
  [[nodiscard]] bool signs_delegated_user() const { return text_ >= "2025-07-05"; }
  /// Blob index tags ("Versioning for the Azure Storage services").
  [[nodiscard]] bool has_tags() const { return text_ >= "2019-12-12"; }
  [[nodiscard]] bool signs_request_headers() const { return text_ >= "2026-04-06"; }

 private:
  std::string text_{kDefault};
};

}  // namespace blobvalet

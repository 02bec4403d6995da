#include "fcgi/adapters/refusal_files.hpp"

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <system_error>

#include "core/blob_check.hpp"
#include "core/sha256.hpp"

namespace blobvalet::fcgi {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours kKept{1};

bool is_old(const fs::path& file) {
  std::error_code error;
  const auto written = fs::last_write_time(file, error);
  return !error && fs::file_time_type::clock::now() - written > kKept;
}

}  // namespace

void RefusalFiles::remember(std::string_view upload, Errc errc) {
  (void)::mkdir(directory_.c_str(), 0700);
  forget_old_ones();
  std::ofstream file(directory_ / sha256_hex(upload), std::ios::trunc);
  file << error_row(errc).code.view();
}

std::optional<Errc> RefusalFiles::recall(std::string_view upload) {
  const fs::path path = directory_ / sha256_hex(upload);
  std::ifstream file(path);
  std::string code;
  if (!(file >> code) || is_old(path)) return std::nullopt;
  for (const Errc errc : kRuleViolations) {
    if (error_row(errc).code.view() == code) return errc;
  }
  return std::nullopt;
}

void RefusalFiles::forget_old_ones() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    if (is_old(entry.path())) fs::remove(entry.path(), error);
  }
}

}  // namespace blobvalet::fcgi

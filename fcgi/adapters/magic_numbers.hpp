#pragma once
#include <magic.h>

#include <memory>

#include "core/ports.hpp"

namespace blobvalet::fcgi {

/// MagicNumbers over libmagic and the database that comes with it.
class LibMagic final : public MagicNumbers {
 public:
  /// Loads the database at the first use, which takes time and memory that a site without this check saves.
  /// Throws std::runtime_error if it cannot be loaded or read.
  [[nodiscard]] std::string media_type(std::string_view bytes) override;

 private:
  struct Close {
    void operator()(magic_t cookie) const { magic_close(cookie); }
  };
  using Cookie = std::unique_ptr<magic_set, Close>;
  [[nodiscard]] static Cookie open();

  Cookie cookie_;
};

}  // namespace blobvalet::fcgi

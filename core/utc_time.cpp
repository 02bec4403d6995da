#include "core/utc_time.hpp"

namespace blobvalet {
namespace {

void write_digits(char* last, std::size_t width, unsigned value) {
  for (std::size_t i = 0; i < width; ++i) {
    *last-- = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::optional<unsigned> read_digits(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

}  // namespace

UtcText::UtcText(UtcSeconds time)
    : text_{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0',
            'T', '0', '0', ':', '0', '0', ':', '0', '0', 'Z'} {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  write_digits(&text_[3], 4, static_cast<unsigned>(static_cast<int>(date.year())));
  write_digits(&text_[6], 2, static_cast<unsigned>(date.month()));
  write_digits(&text_[9], 2, static_cast<unsigned>(date.day()));
  write_digits(&text_[12], 2, static_cast<unsigned>(clock.hours().count()));
  write_digits(&text_[15], 2, static_cast<unsigned>(clock.minutes().count()));
  write_digits(&text_[18], 2, static_cast<unsigned>(clock.seconds().count()));
}

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = read_digits(text.substr(0, 4));
  const auto month = read_digits(text.substr(5, 2));
  const auto day = read_digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<UtcSeconds> parse_utc(std::string_view text) {
  if (text.size() != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z') {
    return std::nullopt;
  }
  const auto date = parse_date(text.substr(0, 10));
  const auto hours = read_digits(text.substr(11, 2));
  const auto minutes = read_digits(text.substr(14, 2));
  const auto seconds = read_digits(text.substr(17, 2));
  if (!date || !hours || !minutes || !seconds) return std::nullopt;
  if (*hours > 23 || *minutes > 59 || *seconds > 59) return std::nullopt;
  return UtcSeconds(*date) + std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
         std::chrono::seconds(*seconds);
}

}  // namespace blobvalet

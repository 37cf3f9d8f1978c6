#include "runtime/json.h"

#include <charconv>

namespace toolr0 {
namespace {

// Length of the well-formed UTF-8 sequence at text[i] (no overlong forms, no surrogates), 0 when malformed.
size_t utf8Length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(k < text.size() ? text[k] : 0); };
  const auto follows = [&](size_t k, int low = 0x80, int high = 0xBF) {
    return byte(k) >= low && byte(k) <= high;
  };
  const int lead = byte(i);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(i + 1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool second = follows(i + 1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && follows(i + 2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = follows(i + 1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && follows(i + 2) && follows(i + 3) ? 4 : 0;
  }
  return 0;
}

void appendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  Parser(std::string_view text, int maxDepth) : text_(text), maxDepth_(maxDepth) {}

  Json document() {
    Json value = parseValue(0);
    skipSpace();
    if (position_ != text_.size()) fail("text after the JSON value");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw JsonError(position_, message); }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  void skipSpace() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
      ++position_;
    }
  }

  void expect(char c) {
    if (position_ >= text_.size()) fail("unexpected end of text");
    if (text_[position_] != c) fail(std::string("expected '") + c + "'");
    ++position_;
  }

  void expectWord(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) fail("not a JSON value");
    position_ += word.size();
  }

  Json parseValue(int depth) {
    if (depth > maxDepth_) fail("nested deeper than " + std::to_string(maxDepth_) + " levels");
    skipSpace();
    if (position_ >= text_.size()) fail("unexpected end of text");
    Json value;
    switch (text_[position_]) {
      case '{':
        parseObject(value, depth);
        break;
      case '[':
        parseArray(value, depth);
        break;
      case '"':
        value.type = Json::Type::kString;
        value.string = parseString();
        break;
      case 't':
        expectWord("true");
        value.type = Json::Type::kBool;
        value.boolean = true;
        break;
      case 'f':
        expectWord("false");
        value.type = Json::Type::kBool;
        break;
      case 'n':
        expectWord("null");
        break;
      default:
        parseNumber(value);
    }
    return value;
  }

  void parseObject(Json& value, int depth) {
    value.type = Json::Type::kObject;
    expect('{');
    skipSpace();
    if (peek() == '}') {
      ++position_;
      return;
    }
    while (true) {
      skipSpace();
      if (peek() != '"') fail("expected a member name");
      std::string key = parseString();
      if (value.object.count(key) != 0) fail("member " + jsonQuote(key) + " occurs twice");
      skipSpace();
      expect(':');
      value.object.emplace(std::move(key), parseValue(depth + 1));
      skipSpace();
      if (peek() == '}') break;
      expect(',');
    }
    ++position_;
  }

  void parseArray(Json& value, int depth) {
    value.type = Json::Type::kArray;
    expect('[');
    skipSpace();
    if (peek() == ']') {
      ++position_;
      return;
    }
    while (true) {
      value.array.push_back(parseValue(depth + 1));
      skipSpace();
      if (peek() == ']') break;
      expect(',');
    }
    ++position_;
  }

  uint32_t parseHex4() {
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("bad \\u escape");
      code = code * 16 + static_cast<uint32_t>(digit);
      ++position_;
    }
    return code;
  }

  void parseEscape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char c = peek();
    const size_t known = position_ < text_.size() ? kNames.find(c) : std::string_view::npos;
    if (known == std::string_view::npos && c != 'u') fail("bad escape in a string");
    ++position_;
    if (known != std::string_view::npos) {
      out += kMeanings[known];
      return;
    }
    uint32_t code = parseHex4();
    if (code >= 0xD800 && code <= 0xDBFF) {
      expect('\\');
      expect('u');
      const uint32_t low = parseHex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("lone surrogate in a string");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      fail("lone surrogate in a string");
    }
    appendUtf8(out, code);
  }

  std::string parseString() {
    expect('"');
    std::string out;
    while (true) {
      if (position_ >= text_.size()) fail("unterminated string");
      const unsigned char c = static_cast<unsigned char>(text_[position_]);
      if (c == '"') break;
      if (c < 0x20) fail("control character in a string");
      if (c == '\\') {
        ++position_;
        parseEscape(out);
        continue;
      }
      const size_t length = utf8Length(text_, position_);
      if (length == 0) fail("bytes that are not UTF-8");
      out.append(text_.substr(position_, length));
      position_ += length;
    }
    ++position_;
    return out;
  }

  bool digits() {
    const size_t begin = position_;
    while (peek() >= '0' && peek() <= '9') ++position_;
    return position_ > begin;
  }

  void parseNumber(Json& value) {
    const size_t begin = position_;
    bool integral = true;
    if (peek() == '-') ++position_;
    if (peek() == '0') {
      ++position_;
    } else if (!digits()) {
      fail("not a JSON value");
    }
    if (peek() == '.') {
      ++position_;
      integral = false;
      if (!digits()) fail("a digit must follow the decimal point");
    }
    if (peek() == 'e' || peek() == 'E') {
      ++position_;
      integral = false;
      if (peek() == '+' || peek() == '-') ++position_;
      if (!digits()) fail("a digit must follow the exponent sign");
    }
    const char* first = text_.data() + begin;
    const char* last = text_.data() + position_;
    value.type = Json::Type::kNumber;
    // from_chars, unlike strtod, is independent of the locale.
    if (std::from_chars(first, last, value.number).ec != std::errc()) fail("number out of range");
    if (integral) {
      const auto result = std::from_chars(first, last, value.integer);
      value.isInteger = result.ec == std::errc() && result.ptr == last;
    }
  }

  std::string_view text_;
  size_t position_ = 0;
  int maxDepth_;
};

}  // namespace

const Json* Json::find(const std::string& key) const {
  if (type != Type::kObject) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &found->second;
}

Json parseJson(std::string_view text, int maxDepth) {
  return Parser(text, maxDepth).document();
}

std::string jsonQuote(std::string_view text) {
  static const char* kHex = "0123456789abcdef";
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const size_t length = utf8Length(text, i);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
      ++i;
    } else if (c < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
      ++i;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  return out + "\"";
}

}  // namespace toolr0

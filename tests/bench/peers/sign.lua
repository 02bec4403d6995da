-- A signer inside nginx: LuaJIT, which calls OpenSSL by its FFI, with one keyed context for all requests.
-- `new(key, prefix, resource, protocol)`, the key in base64, returns the handler of a location.
local ffi = require "ffi"
ffi.cdef [[
typedef struct hmac_ctx_st HMAC_CTX;
HMAC_CTX *HMAC_CTX_new(void);
const void *EVP_sha256(void);
int HMAC_Init_ex(HMAC_CTX *context, const void *key, int size, const void *digest, void *engine);
int HMAC_Update(HMAC_CTX *context, const char *data, size_t size);
int HMAC_Final(HMAC_CTX *context, unsigned char *digest, unsigned int *size);
]]
local crypto = ffi.load "libcrypto.so.3"
local lifetime = 900
local version = "2023-11-03"
local digest, size = ffi.new "unsigned char[32]", ffi.new "unsigned int[1]"

local function hmac(context, text)
  crypto.HMAC_Init_ex(context, nil, 0, nil, nil)
  crypto.HMAC_Update(context, text, #text)
  crypto.HMAC_Final(context, digest, size)
  return ngx.encode_base64(ffi.string(digest, 32))
end

local function sign(context, prefix, resource, protocol, name)
  local expiry = os.date("!%Y-%m-%dT%H:%M:%SZ", ngx.time() + lifetime)
  local text = "cw\n\n" .. expiry .. "\n" .. resource .. name .. "\n\n\n" .. protocol .. "\n" .. version .. "\nb\n\n\n\n\n\n\n"
  local path = ngx.escape_uri(name):gsub("%%2F", "/")
  return prefix .. path .. "?sv=" .. version .. "&spr=" .. ngx.escape_uri(protocol) .. "&se=" .. ngx.escape_uri(expiry) .. "&sr=b&sp=cw&sig="
    .. ngx.escape_uri(hmac(context, text))
end

return { new = function(key, prefix, resource, protocol)
  local bytes = ngx.decode_base64(key)
  local context = crypto.HMAC_CTX_new()
  crypto.HMAC_Init_ex(context, bytes, #bytes, crypto.EVP_sha256(), nil)
  return function()
    local query = ngx.req.get_uri_args()
    local uri = query.bloburi or ""
    local name = uri:sub(#prefix + 1)
    if query._method ~= "PUT" or uri:sub(1, #prefix) ~= prefix or name:sub(1, 6) ~= "alice/" then return ngx.exit(403) end
    local answer = sign(context, prefix, resource, protocol, name)
    ngx.header["Content-Length"] = #answer
    ngx.header["Cache-Control"] = "no-store"
    ngx.print(answer)
  end
end }

#!/usr/bin/env node
'use strict';
// prebuildify calls this in place of node-gyp (`rebuild --target=… --arch=…`). node-gyp would fetch Node's headers and
// compile with flags that libtorch's headers refuse.
require('./build-native.js');

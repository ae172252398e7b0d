"""Times polars reading a table, all its columns or those named: read.py TABLE [COLUMN...]"""

import json
import resource
import sys
import time

import polars

table, *columns = sys.argv[1:]
started = time.perf_counter()
frame = polars.read_csv(table, columns=columns or None)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "peak_bytes": peak, "rows": frame.height}))

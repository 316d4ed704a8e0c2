-- Put other texts in the place of the first events, and drop the blobs that those named. KEYS: log, meta, blobs. ARGV: thread, the texts. Answers how many events there are.

for i = 2, #ARGV do
  redis.call('LSET', KEYS[1], i - 2, ARGV[i])
end
for i = 3, #KEYS do
  redis.call('DEL', KEYS[i])
end
redis.call('HINCRBY', KEYS[2], 'rewritten', 1)
changed(ARGV[1])
return redis.call('LLEN', KEYS[1])

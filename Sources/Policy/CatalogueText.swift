// Which kinds of provider serve which models: made by Tests/Catalogue/generate.py, never by hand.
//
// The first line says when it was made, and of what. A line in brackets begins a kind. Each other line is a model:
//
//     NAME FLAGS CONTEXT/OUTPUT IN,OUT[,CACHED[,WRITE[,WRITE1H]]] [>Nk:IN,OUT,…] [a:IN[,OUT]] [b:PCT] [f:PCT] [p:PCT]
//       [x:DATE>SUCCESSOR] [~FAMILY] [=ALIAS]… [?]
//
// FLAGS: what it is for (c chat, r the Responses API alone, e embeddings, t text completion), then what it takes: v
// pictures, p PDF, a audio, A audio out, t tools, r reasoning, s JSON schemas. CONTEXT and OUTPUT in tokens, empty where
// unknown. Prices in US dollars for a million tokens; `>Nk:` those of prompts above N thousand tokens; `a:` of audio;
// `b:`, `f:`, `p:` what of the price a batch (50 where not said), flex and priority pay, in percent. `x:` the day it
// ends, and what comes after it. `?`: the sources of the price disagree, or there is only one.

/// The catalogue that the program comes with.
enum CatalogueText {
  static let builtIn: StaticString = """
    @ 2026-11-28 litellm 1.110.2 genai-prices 0.2.3
    [anthropic]
    claude-fable-5 cvptrs 1000000/128000 10,50,1,12.5,20
    claude-fable-5-1 cvptrs 1000000/128000 10,50,0.25,12.5,20
    claude-haiku-4-5 cvptrs 200000/64000 1,5,0.1,1.25,2 =claude-haiku-4-5-20251001
    claude-haiku-5-5 cvptrs 1000000/128000 0.1,0.5,0.01,0.125,0.2 >100k:0.5,2.5,0.05,0.625,1
    claude-mythos-5 cvptrs 1000000/128000 10,50,1,12.5,20 ?
    claude-mythos-5-1 cvptrs 1000000/128000 10,50,0.25,12.5,20 ?
    claude-opus-4-5 cvptrs 200000/64000 5,25,0.5,6.25,10 =claude-opus-4-5-20251101
    claude-opus-4-6 cvptrs 1000000/128000 5,25,0.5,6.25,10 =claude-opus-4-6-20260205
    claude-opus-4-7 cvptrs 1000000/128000 5,25,0.5,6.25,10 =claude-opus-4-7-20260416
    claude-opus-4-8 cvptrs 1000000/128000 5,25,0.5,6.25,10
    claude-opus-5 cvptrs 1000000/128000 5,25,0.5,6.25,10
    claude-opus-5-5 cvptrs 1000000/128000 4,20,0.2,5,8
    claude-sonnet-4-5 cvptrs 200000/64000 3,15,0.3,3.75,6 x:2026-11-30>claude-sonnet-5-5 =claude-sonnet-4-5-20250929
    claude-sonnet-4-6 cvptrs 1000000/128000 3,15,0.3,3.75,6
    claude-sonnet-5 cvptrs 1000000/128000 2,10,0.2,2.5,4
    claude-sonnet-5-5 cvptrs 1000000/128000 2,10,0.1,2.5,4
    [azure]
    ada e 8191/ 0.11,0 x:2028-02-09> ?
    gpt-4-turbo ct 128000/4096 11,33 ?
    gpt-4.1 cvts 1047576/32768 2,8,0.5 p:175 x:2027-04-14>gpt-5.1 ?
    gpt-4.1-mini cvts 1047576/32768 0.4,1.6,0.1 p:175 x:2027-04-14>gpt-5.4-mini ?
    gpt-4.1-nano cvts 1047576/32768 0.1,0.4,0.025 x:2027-04-14>gpt-5.4-nano ?
    gpt-4o cvts 128000/16384 2.5,10,1.25 x:2027-04-14>gpt-5.1 ?
    gpt-4o-mini cvts 128000/16384 0.15,0.6,0.075 x:2027-04-14> ?
    gpt-5 cvptrs 272000/128000 1.25,10,0.125 p:200 x:2027-02-09>gpt-5.1 ?
    gpt-5-codex rvptrs 272000/128000 1.25,10,0.125 x:2027-03-17>gpt-5.1-codex ?
    gpt-5-mini cvptrs 272000/128000 0.25,2,0.025 p:180 x:2027-07-13>gpt-5.4-mini ?
    gpt-5-nano cvptrs 272000/128000 0.05,0.4,0.005 x:2027-02-09>gpt-5.4-nano ?
    gpt-5-pro rvptrs 272000/128000 15,120 x:2027-04-07>gpt-5.2-pro ?
    gpt-5.1 cvptrs 272000/128000 1.25,10,0.125 p:200 x:2027-07-13>gpt-5.2 ?
    gpt-5.1-codex rvptrs 272000/128000 1.25,10,0.125 x:2027-05-15>gpt-5.2-codex ?
    gpt-5.1-codex-max rvptrs 272000/128000 1.25,10,0.125 x:2027-05-18> ?
    gpt-5.1-codex-mini rvptrs 272000/128000 0.25,2,0.025 x:2027-05-15> ?
    gpt-5.2 cvptrs 272000/128000 1.75,14,0.175 p:200 x:2027-06-08>gpt-5.4 ?
    gpt-5.2-codex rvptrs 272000/128000 1.75,14,0.175 x:2027-07-13>gpt-5.3-codex ?
    gpt-5.2-pro rvptrs 272000/128000 21,168 ?
    gpt-5.3-codex rvptrs 272000/128000 1.75,14,0.175 p:200 x:2027-08-24> ?
    gpt-5.4 cvptrs 922000/128000 2.5,15,0.25 >272k:5,22.5,0.5 f:50 p:200 x:2027-09-02>gpt-5.5 ?
    gpt-5.4-mini cvptrs 272000/128000 0.75,4.5,0.075 f:50 p:200 x:2027-09-21> ?
    gpt-5.4-nano cvptrs 272000/128000 0.2,1.25,0.02 f:50 x:2027-09-21> ?
    gpt-5.4-pro rvptr 922000/128000 30,180,3 >272k:60,270,6 f:50 x:2027-09-07>gpt-5.5-pro ?
    gpt-5.5 cvptrs 922000/128000 5,30,0.5 >272k:10,45,1 f:50 p:250 x:2027-10-26>gpt-5.6 ?
    gpt-5.5-pro rvptr 1050000/128000 30,180,3 >272k:60,270,6 ?
    gpt-5.6 cvptrs 922000/128000 4,20,0.4,5 >272k:8,30,0.8,10 p:200 ?
    gpt-5.6-luna cvptrs 922000/128000 0.2,1.2,0.02,0.25 >272k:0.4,1.8,0.04,0.5 f:50 p:200 x:2028-01-11>gpt-6-luna ?
    gpt-5.6-sol cvptrs 922000/128000 4,20,0.4,5 >272k:8,30,0.8,10 f:50 p:200 x:2028-01-11>gpt-6-sol ?
    gpt-5.6-terra cvptrs 922000/128000 2,12,0.2,2.5 >272k:4,18,0.4,5 f:50 p:200 x:2028-01-11>gpt-6.1-terra ?
    gpt-6-astra cvptrs 922000/128000 10,50,1,12.5 >272k:20,75,2,25 f:50 x:2028-01-11> ?
    gpt-6-luna cvptrs 922000/128000 0.1,0.5,0.01,0.125 >272k:0.2,0.75,0.02,0.25 f:50 x:2028-03-11> ?
    gpt-6-sol cvptrs 922000/128000 2,10,0.2,2.5 >272k:4,15,0.4,5 f:50 p:200 x:2028-03-11> ?
    gpt-6.1-sol cvptrs 922000/128000 2,10,0.1,2.5 >272k:4,15,0.2,5 f:50 x:2028-03-11> ?
    gpt-6.1-terra cvptrs 922000/128000 1,5,0.05,1.25 >272k:2,7.5,0.1,2.5 ?
    o1 cvtr 200000/100000 15,60,7.5 x:2026-11-19>gpt-5.6-sol =o1-2024-12-17
    o1-mini ctr 128000/65536 1.1,4.4,0.55 =o1-mini-2024-09-12
    o3 cvtrs 200000/100000 2,8,0.5 x:2026-11-19>gpt-5.6-sol =o3-2025-04-16
    o3-deep-research rvptrs 200000/100000 10,40,2.5 x:2026-11-19>gpt-5.6-sol ?
    o3-mini crs 200000/100000 1.1,4.4,0.55 x:2026-11-19>gpt-5.6-terra
    o3-mini-2025-01-31 cr 200000/100000 1.1,4.4,0.55 x:2026-11-19>gpt-5.6-terra
    o3-pro rvtrs 200000/100000 20,80 x:2026-11-19>gpt-5.6-sol ?
    o4-mini cvtrs 200000/100000 1.1,4.4,0.275 x:2026-11-19>gpt-5.6-terra =o4-mini-2025-04-16
    text-embedding-3-large e 8192/ 0.143,0 x:2028-02-09> ?
    text-embedding-3-small e 8192/ 0.022,0 x:2028-02-09> ?
    text-embedding-ada-002 e 8192/ 0.11,0 x:2028-02-09> ?
    [bedrock]
    amazon.nova-2-lite-v1:0 cvptrs 1000000/64000 0.3,2.5,0.075 p:175 ?
    amazon.nova-2-multimodal-embeddings-v1:0 ea 8172/ 0.135,0 ?
    amazon.nova-2-pro-preview-20251202-v1:0 cvptrs 1000000/64000 1.25,10,0.3125 a:1.25 p:175 ?
    amazon.nova-lite-v1:0 cvpts 300000/10000 0.06,0.24,0.015
    amazon.nova-micro-v1:0 cts 128000/10000 0.035,0.14,0.00875
    amazon.nova-premier-v1:0 cvpts 1000000/10000 2.5,12.5,0.625 p:175
    amazon.nova-pro-v1:0 cvpts 300000/10000 0.8,3.2,0.2 f:50 p:175
    amazon.titan-embed-g1-text-02 e 8192/ 0.1,0 ?
    amazon.titan-embed-text-v1 e 8192/ 0.1,0
    amazon.titan-embed-text-v2:0 e 8192/ 0.02,0
    amazon.titan-text-express-v1 c 42000/8000 0.2,0.6
    amazon.titan-text-lite-v1 c 42000/4000 0.15,0.2
    anthropic.claude-3-5-haiku-20241022-v1:0 cpts 200000/8192 0.8,4,0.08,1
    anthropic.claude-3-5-sonnet-20240620-v1:0 cvpts 200000/4096 3,15,0.3,3.75
    anthropic.claude-3-5-sonnet-20241022-v2:0 cvpts 200000/8192 3,15,0.3,3.75
    anthropic.claude-3-7-sonnet-20240620-v1:0 cvptrs 200000/8192 3.6,18,0.36,4.5 ?
    anthropic.claude-3-7-sonnet-20250219-v1:0 cvptrs 200000/8192 3,15,0.3,3.75
    anthropic.claude-3-opus-20240229-v1:0 cvts 200000/4096 15,75,1.5,18.75
    anthropic.claude-fable-5 cvptrs 1000000/128000 10,50,1,12.5,20 ?
    anthropic.claude-fable-5-1 cvptrs 1000000/128000 10,50,0.25,12.5,20 ?
    anthropic.claude-haiku-4-5-20251001-v1:0 cvptrs 200000/64000 1,5,0.1,1.25,2 ?
    anthropic.claude-haiku-4-5@20251001 cvptrs 200000/64000 1,5,0.1,1.25,2 ?
    anthropic.claude-haiku-5-5 cvptrs 1000000/128000 0.1,0.5,0.01,0.125,0.2 >100k:0.5,2.5,0.05,0.625,1 ?
    anthropic.claude-instant-v1 c 100000/8191 0.8,2.4 ?
    anthropic.claude-mythos-5-1 cvptrs 1000000/128000 10,50,0.25,12.5,20 ?
    anthropic.claude-mythos-preview cvtr 1000000/128000 27.5,137.5,2.75,34.375,55 ?
    anthropic.claude-opus-4-1-20250805-v1:0 cvptrs 200000/32000 15,75,1.5,18.75 x:2027-01-08>
    anthropic.claude-opus-4-20250514-v1:0 cvptrs 200000/32000 15,75,1.5,18.75
    anthropic.claude-opus-4-5-20251101-v1:0 cvptrs 200000/64000 5,25,0.5,6.25,10 ?
    anthropic.claude-opus-4-6-v1 cvptrs 1000000/128000 5,25,0.5,6.25,10 ?
    anthropic.claude-opus-4-7 cvptrs 1000000/128000 5,25,0.5,6.25,10 ?
    anthropic.claude-opus-4-8 cvptrs 1000000/128000 5,25,0.5,6.25,10 ?
    anthropic.claude-opus-5 cvptrs 1000000/128000 5,25,0.5,6.25,10 ?
    anthropic.claude-opus-5-5 cvptrs 1000000/128000 4,20,0.2,5,8 ?
    anthropic.claude-sonnet-4-20250514-v1:0 cvptrs 200000/64000 3,15,0.3,3.75 >200k:6,22.5,0.6,7.5 x:2026-10-14>anthropic.claude-sonnet-5
    anthropic.claude-sonnet-4-5-20250929-v1:0 cvptrs 200000/64000 3,15,0.3,3.75,6 >200k:6,22.5,0.6,7.5,12 x:2027-04-08>anthropic.claude-sonnet-5-5 ?
    anthropic.claude-sonnet-4-6 cvptrs 1000000/64000 3,15,0.3,3.75,6 ?
    anthropic.claude-sonnet-5 cvptrs 1000000/128000 2,10,0.2,2.5,4 ?
    anthropic.claude-sonnet-5-5 cvptrs 1000000/128000 2,10,0.1,2.5,4 ?
    anthropic.claude-v1 c 100000/8191 8,24 ?
    anthropic.claude-v2:1 c 100000/8191 8,24 ?
    claude-sonnet-4-5-20250929-v1:0 cvptrs 200000/64000 3,15,0.3,3.75,6 >200k:6,22.5,0.6,7.5,12 x:2027-04-08> ?
    cohere.command-light-text-v14 c 4096/4096 0.3,0.6 ?
    cohere.command-text-v14 c 4096/4096 1,2 ?
    cohere.embed-english-v3 e 512/ 0.1,0 ?
    cohere.embed-multilingual-v3 e 512/ 0.1,0 ?
    cohere.embed-v4:0 e 128000/ 0.12,0 ?
    deepseek.r1-v1:0 cr 128000/8192 1.35,5.4 x:2027-03-30>
    deepseek.v3-v1:0 ctr 128000/8000 0.58,1.68 x:2027-03-30> ?
    deepseek.v3.2 ctrs 156000/8000 0.62,1.85 f:50 p:175 ?
    google.gemma-3-12b-it cvts 128000/8000 0.09,0.29 x:2027-03-30>
    google.gemma-3-27b-it cvts 128000/8000 0.23,0.38 x:2027-03-30>
    google.gemma-3-4b-it cvt 128000/8000 0.04,0.08 f:50 p:175 x:2027-03-30>
    meta.llama3-1-70b-instruct-v1:0 ct 128000/4096 0.72,0.72 x:2027-03-30>
    meta.llama3-1-8b-instruct-v1:0 ct 128000/4096 0.22,0.22 x:2027-03-30>
    meta.llama3-3-70b-instruct-v1:0 ct 128000/4096 0.72,0.72 x:2027-03-30>
    meta.llama3-70b-instruct-v1:0 c 8192/8192 2.65,3.5 x:2027-03-30>
    meta.llama3-8b-instruct-v1:0 c 8192/8192 0.3,0.6 x:2027-03-30>
    meta.llama4-maverick-17b-instruct-v1:0 ct 1000000/8192 0.24,0.97 x:2027-03-30>
    meta.llama4-scout-17b-instruct-v1:0 ct 10000000/8192 0.17,0.66 x:2027-03-30>
    mistral.devstral-2-123b cts 256000/32000 0.4,2 f:50 p:175 x:2027-03-30>
    mistral.magistral-small-2509 cvtrs 128000/40000 0.5,1.5 f:50
    mistral.ministral-3-14b-instruct cvts 128000/8000 0.2,0.2 f:50 p:175
    mistral.ministral-3-3b-instruct cvts 128000/8000 0.1,0.1 f:50 p:170
    mistral.ministral-3-8b-instruct cvts 128000/8000 0.15,0.15 b:47 f:47 p:173
    mistral.mistral-7b-instruct-v0:2 c 32000/4096 0.15,0.2 x:2027-03-30>
    mistral.mistral-large-2402-v1:0 ct 32000/4096 4,12
    mistral.mistral-large-2407-v1:0 ct 128000/8191 2,6 ?
    mistral.mistral-large-3-675b-instruct cvts 256000/32000 0.5,1.5 f:50
    mistral.mistral-small-2402-v1:0 ct 32000/4096 1,3
    mistral.mixtral-8x7b-instruct-v0:1 c 32000/4096 0.45,0.7 x:2027-03-30>
    mistral.pixtral-large-2502-v1:0 ct 128000/16384 2,6
    mistral.voxtral-mini-3b-2507 ca 32768/8192 0.04,0.04 f:50 p:175 x:2027-03-30>
    mistral.voxtral-small-24b-2507 ca 32768/8192 0.1,0.3 f:50 x:2027-03-30>
    moonshotai.kimi-k3 cvtrs 1000000/131072 3.3,16.5,0.33,4.125 f:50 p:175
    nvidia.nemotron-nano-3-30b cts 256000/8000 0.06,0.24 f:50
    nvidia.nemotron-nano-9b-v2 cts 128000/8000 0.06,0.23 x:2027-03-30>
    nvidia.nemotron-super-3-120b ctrs 256000/32000 0.15,0.65 f:50 p:175
    openai.gpt-6-luna cvtr 922000/128000 0.1,0.5,0.01,0.125 >272k:0.2,0.75,0.02,0.25 ?
    openai.gpt-6-sol cvtr 922000/128000 2,10,0.2,2.5 >272k:4,15,0.4,5 ?
    openai.gpt-oss-120b-1:0 ctrs 128000/16384 0.15,0.6 f:50 p:175
    openai.gpt-oss-20b-1:0 ctrs 128000/16384 0.07,0.3 f:50 p:175
    openai.gpt-oss-safeguard-120b cts 128000/16000 0.15,0.6 ?
    openai.gpt-oss-safeguard-20b cts 128000/16000 0.07,0.2 ?
    qwen.qwen3-32b-v1:0 ctr 32768/8192 0.15,0.6 f:50 p:175
    qwen.qwen3-coder-30b-a3b-v1:0 ctr 262144/16384 0.15,0.6 p:175 x:2027-03-30>
    qwen.qwen3-coder-480b-a35b-v1:0 ctr 262144/16384 0.45,1.8 x:2027-03-30>
    qwen.qwen3-vl-235b-a22b cvt 256000/8000 0.53,2.66 p:175
    writer.palmyra-x4-v1:0 cpt 128000/8192 2.5,10 x:2027-03-09>
    writer.palmyra-x5-v1:0 cpt 128000/8192 0.6,6 x:2027-03-21>
    [cohere]
    c4ai-aya-expanse-32b c 128000/4000 0.5,1.5
    command-a-03-2025 ct 256000/8000 2.5,10
    command-a-plus-05-2026 cvtrs 128000/64000 0,0 ?
    command-nightly t 4096/4096 1,2 ?
    command-r-08-2024 ct 128000/4096 0.15,0.6
    command-r-plus-08-2024 ct 128000/4096 2.5,10
    command-r7b-12-2024 ct 128000/4096 0.0375,0.15
    embed-english-light-v3.0 e 512/ 0.1,0 ?
    embed-english-v3.0 e 512/ 0.1,0 ?
    embed-multilingual-light-v3.0 e 512/ 100,0 ?
    embed-multilingual-v3.0 e 512/ 0.1,0 ?
    embed-v4.0 e 128000/ 0.12,0
    embed-v5.0-fast e 128000/ 0.08,0 ?
    embed-v5.0-pro e 128000/ 0.12,0 ?
    [deepseek]
    deepseek-coder ct 128000/4096 0.14,0.28,0.014 ?
    deepseek-flash cvtrs 1000000/393216 0.3,1.2,0.006 ?
    deepseek-r1 ctr 65536/8192 0.55,2.19,0.14
    deepseek-v3 ct 65536/8192 0.27,1.1,0.07 ?
    deepseek-v3.2 ctr 163840/163840 0.28,0.4,0.028 ?
    deepseek-v4-flash cvtrs 1000000/393216 0.3,1.2,0.006 ?
    deepseek-v4-flash-vision-exp cvtrs 1000000/393216 0.3,1.2,0.006 ?
    deepseek-v4-pro ctrs 1000000/393216 1.32,3.96,0.044 ?
    [fireworks]
    accounts/fireworks/models/code-llama-34b c 16384/16384 0.9,0.9 ?
    accounts/fireworks/models/code-llama-34b-instruct c 16384/16384 0.9,0.9 ?
    accounts/fireworks/models/code-llama-34b-python c 16384/16384 0.9,0.9 ?
    accounts/fireworks/models/cogito-v1-preview-llama-3b c 131072/131072 0.1,0.1 ?
    accounts/fireworks/models/deepseek-r1-0528 cs 163840/160000 3,8
    accounts/fireworks/models/deepseek-r1-0528-distill-qwen3-8b c 131072/131072 0.2,0.2 ?
    accounts/fireworks/models/deepseek-v3 cs 131072/8192 0.9,0.9 ?
    accounts/fireworks/models/deepseek-v3-0324 cs 163840/163840 0.9,0.9
    accounts/fireworks/models/deepseek-v3p1 crs 128000/8192 0.56,1.68 ?
    accounts/fireworks/models/deepseek-v3p1-terminus crs 128000/8192 0.56,1.68 ?
    accounts/fireworks/models/deepseek-v3p2 ctrs 163840/163840 0.56,1.68
    accounts/fireworks/models/deepseek-v4p1-flash cvtrs 1048576/393216 0.3,1.2,0.006 p:125
    accounts/fireworks/models/deepseek-v4p1-flash-1017 cvtrs 1048576/393216 0.3,1.2,0.006 p:125
    accounts/fireworks/models/deepseek-v4p1-flash-1017-us cvtrs 1048576/393216 0.45,1.8,0.009 p:125 ?
    accounts/fireworks/models/dobby-mini-unhinged-plus-llama-3-1-8b c 131072/131072 0.2,0.2 ?
    accounts/fireworks/models/dobby-unhinged-llama-3-3-70b-new c 131072/131072 0.9,0.9 ?
    accounts/fireworks/models/ember-1 cvtrs 1048576/ 3,15,0.3 p:125
    accounts/fireworks/models/gemma-3-27b-it c 131072/131072 0.9,0.9 ?
    accounts/fireworks/models/glm-4p5 ctrs 131072/96000 0.55,2.19 ?
    accounts/fireworks/models/glm-4p5-air ctrs 131072/96000 0.22,0.88 ?
    accounts/fireworks/models/glm-4p5v cr 131072/131072 1.2,1.2 ?
    accounts/fireworks/models/glm-4p6 ctrs 202752/202800 0.55,2.19 ?
    accounts/fireworks/models/glm-4p7 ctrs 202752/202800 0.6,2.2,0.3
    accounts/fireworks/models/glm-5p1 ctrs 202752/131072 1.4,4.4,0.26
    accounts/fireworks/models/glm-5p2 ctrs 1048576/131072 1.4,4.4,0.14 p:125 x:2026-09-25>accounts/fireworks/models/glm-5p3
    accounts/fireworks/models/glm-5p3 ctrs 1048576/128000 1.4,4.4,0.26 p:125
    accounts/fireworks/models/glm-5p3-flash cvts 1048576/1048576 0.15,0.5,0.03 p:125
    accounts/fireworks/models/gpt-oss-20b ctrs 131072/32768 0.07,0.3,0.035
    accounts/fireworks/models/gpt-oss-safeguard-120b c 131072/131072 1.2,1.2 ?
    accounts/fireworks/models/gpt-oss-safeguard-20b c 131072/131072 0.5,0.5 ?
    accounts/fireworks/models/inkling cvts 1048576/1048576 1,4.05,0.17 p:100 x:2026-11-07>accounts/fireworks/models/muse-spark-open
    accounts/fireworks/models/kimi-k2-instruct cts 131072/16384 0.6,2.5 ?
    accounts/fireworks/models/kimi-k2-instruct-0905 cts 262144/32768 0.6,2.5 ?
    accounts/fireworks/models/kimi-k2-thinking cts 262144/262144 0.6,2.5 ?
    accounts/fireworks/models/kimi-k2p5 cts 262144/32768 0.6,3,0.1
    accounts/fireworks/models/kimi-k3 cvtrs 1048576/131072 3,15,0.3 p:125
    accounts/fireworks/models/kimi-k3p1-pro cvtrs 1048576/131072 2,10,0.2 p:150
    accounts/fireworks/models/llama-v3-70b-instruct c 8192/8192 0.9,0.9 ?
    accounts/fireworks/models/llama-v3-70b-instruct-hf c 8192/8192 0.9,0.9 ?
    accounts/fireworks/models/llama-v3-8b c 8192/8192 0.2,0.2 ?
    accounts/fireworks/models/llama-v3-8b-instruct-hf c 8192/8192 0.2,0.2 ?
    accounts/fireworks/models/llama-v3p1-405b-instruct cts 131072/16384 3,3 ?
    accounts/fireworks/models/llama-v3p1-405b-instruct-long c 4096/4096 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p1-70b-instruct c 131072/131072 0.9,0.9 ?
    accounts/fireworks/models/llama-v3p1-70b-instruct-1b c 4096/4096 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p1-8b-instruct cs 131072/16384 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p1-nemotron-70b-instruct c 131072/131072 0.9,0.9 ?
    accounts/fireworks/models/llama-v3p2-11b-vision-instruct cvs 131072/16384 0.2,0.2 ?
    accounts/fireworks/models/llama-v3p2-1b c 131072/131072 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p2-1b-instruct cs 131072/16384 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p2-3b c 131072/131072 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p2-3b-instruct cs 131072/16384 0.1,0.1 ?
    accounts/fireworks/models/llama-v3p2-90b-vision-instruct cvs 131072/16384 0.9,0.9 ?
    accounts/fireworks/models/llama-v3p3-70b-instruct c 131072/131072 0.9,0.9 ?
    accounts/fireworks/models/llama4-maverick-instruct-basic cs 131072/131072 0.22,0.88
    accounts/fireworks/models/minimax-m2p1 cts 196608/204800 0.3,1.2,0.03
    accounts/fireworks/models/minimax-m3 cvtrs 512000/512000 0.3,1.2,0.06 p:150
    accounts/fireworks/models/muse-spark-open cvtr 1048576/ 1.25,4.25,0.15 p:150
    accounts/fireworks/models/phind-code-llama-34b-python-v1 c 16384/16384 0.9,0.9 ?
    accounts/fireworks/models/phind-code-llama-34b-v1 c 16384/16384 0.9,0.9 ?
    accounts/fireworks/models/phind-code-llama-34b-v2 c 16384/16384 0.9,0.9 ?
    accounts/fireworks/models/qwen2p5-vl-72b-instruct c 128000/128000 0.9,0.9
    accounts/fireworks/models/qwen3-0p6b c 40960/40960 0.1,0.1 ?
    accounts/fireworks/models/qwen3-14b c 40960/40960 0.2,0.2 ?
    accounts/fireworks/models/qwen3-1p7b c 131072/131072 0.1,0.1 ?
    accounts/fireworks/models/qwen3-1p7b-fp8-draft c 262144/262144 0.1,0.1 ?
    accounts/fireworks/models/qwen3-1p7b-fp8-draft-131072 c 131072/131072 0.1,0.1 ?
    accounts/fireworks/models/qwen3-1p7b-fp8-draft-40960 c 40960/40960 0.1,0.1 ?
    accounts/fireworks/models/qwen3-235b-a22b c 131072/131072 0.22,0.88
    accounts/fireworks/models/qwen3-235b-a22b-instruct-2507 c 262144/262144 0.22,0.88 ?
    accounts/fireworks/models/qwen3-235b-a22b-thinking-2507 c 262144/262144 0.22,0.88 ?
    accounts/fireworks/models/qwen3-30b-a3b c 131072/131072 0.15,0.6 ?
    accounts/fireworks/models/qwen3-30b-a3b-instruct-2507 c 262144/262144 0.5,0.5 ?
    accounts/fireworks/models/qwen3-30b-a3b-thinking-2507 c 262144/262144 0.9,0.9 ?
    accounts/fireworks/models/qwen3-32b cr 131072/131072 0.9,0.9 ?
    accounts/fireworks/models/qwen3-4b c 40960/40960 0.2,0.2 ?
    accounts/fireworks/models/qwen3-4b-instruct-2507 c 262144/262144 0.2,0.2 ?
    accounts/fireworks/models/qwen3-8b cr 40960/40960 0.2,0.2 ?
    accounts/fireworks/models/qwen3-embedding-0p6b e 32768/ 0,0 ?
    accounts/fireworks/models/qwen3-embedding-4b e 40960/ 0,0 ?
    accounts/fireworks/models/qwen3-embedding-8b e 40960/ 0.1,0 ?
    accounts/fireworks/models/qwen3-next-80b-a3b-instruct c 4096/4096 0.9,0.9 ?
    accounts/fireworks/models/qwen3-next-80b-a3b-thinking c 4096/4096 0.9,0.9 ?
    accounts/fireworks/models/qwen3-vl-235b-a22b-instruct c 262144/262144 0.22,0.88 ?
    accounts/fireworks/models/qwen3-vl-235b-a22b-thinking c 262144/262144 0.22,0.88 ?
    accounts/fireworks/models/qwen3-vl-30b-a3b-instruct c 262144/262144 0.15,0.6 ?
    accounts/fireworks/models/qwen3-vl-30b-a3b-thinking c 262144/262144 0.15,0.6 ?
    accounts/fireworks/models/qwen3-vl-32b-instruct c 4096/4096 0.9,0.9 ?
    accounts/fireworks/models/qwen3-vl-8b-instruct c 262144/4096 0.2,0.2 ?
    accounts/fireworks/models/qwen3p7-plus cvtrs 262144/65536 0.4,1.6,0.08
    accounts/fireworks/models/qwen3p8-max cvtrs 262144/ 2,6,0.25 p:150
    [gemini]
    deep-research-max-preview-04-2026 cv 1048576/65536 2,12 ?
    gemini-2.5-flash cvpatrs 1048576/65536 0.3,2.5,0.03 a:1 f:50 p:180 x:2026-12-01>gemini-3.5-flash-lite
    gemini-2.5-flash-lite cvpatrs 1048576/65536 0.1,0.4,0.01 a:0.3 f:50 p:180
    gemini-2.5-pro cvpatrs 1048576/65536 1.25,10,0.125 >200k:2.5,15,0.25 f:50 p:180 x:2026-12-01>gemini-3.8-flash
    gemini-3-flash-preview cvpatrs 1048576/65536 0.5,3,0.05 a:1 f:50 p:180
    gemini-3.1-flash-lite cvpatrs 1048576/65536 0.25,1.5,0.025 a:0.5 f:50 p:180 x:2027-05-07>gemini-3.5-flash-lite
    gemini-3.1-flash-lite-preview cvpatrs 1048576/65536 0.25,1.5,0.025 a:0.5 f:50 p:180 x:2026-05-25>gemini-3.1-flash-lite
    gemini-3.1-pro-preview cvpatrs 1048576/65536 2,12,0.2 >200k:4,18,0.4 f:50 p:180
    gemini-3.1-pro-preview-customtools cvpatrs 1048576/65536 2,12,0.2 >200k:4,18,0.4 f:50 p:180
    gemini-3.5-flash cvpatrs 1048576/65536 1.5,9,0.15 a:1.5 f:50 p:180
    gemini-3.5-flash-lite cvpatrs 1048576/65536 0.3,2.5,0.03 f:50 p:180
    gemini-3.6-flash cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180
    gemini-3.7-flash cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180
    gemini-3.8-flash cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180
    gemini-4-argon cvpatrs 1048576/1048576 2,10,0.1 f:50 p:180
    gemini-4-hydrogen cvpatrs 1048576/1048576 1.5,7.5,0.075 f:50 p:180 ?
    gemini-embedding-001 e 2048/ 0.15,0 x:2028-05-14>gemini-embedding-2
    gemini-embedding-2 eva 8192/ 0.2,0 a:6.5
    gemini-embedding-2-preview eva 8192/ 0.2,0 a:6.5 x:2026-11-06>gemini-embedding-2
    gemini-exp-1114 cvts 1048576/8192 0,0 >128k:0,0 ?
    gemini-exp-1206 cvts 2097152/8192 0,0 >128k:0,0 ?
    gemini-flash-latest cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180
    gemini-flash-lite-latest cvpatrs 1048576/65536 0.3,2.5,0.03 f:50 p:180
    gemini-gemma-2-27b-it cvt 8192/8192 0.35,1.05 ?
    gemini-gemma-2-9b-it cvt 8192/8192 0.35,1.05 ?
    gemini-omni-1.1-flash cvar 131072/65536 1.5,9 a:1.5 x:2026-12-03>gemini-omni-1.2-flash
    gemini-omni-1.2-flash cvAr 131072/65536 1.5,9 ?
    gemini-omni-flash-preview cvar 131072/65536 1.5,9 a:1.5 x:2026-10-22>gemini-omni-1.2-flash
    gemini-pro-latest cvpatrs 1048576/65536 2,12,0.2 >200k:4,18,0.4 f:50 p:180
    gemma-3-27b-it cvts 131072/8192 0,0 >128k:0,0 ?
    gemma-4-26b-a4b-it cvtrs 262144/32768 0,0 ?
    gemma-4-31b-it cvtrs 262144/32768 0,0 ?
    learnlm-1.5-pro-experimental cvts 32767/8192 0,0 >128k:0,0 ?
    lyria-3-clip-preview cA 131072/8192 0,0 ?
    lyria-3-pro-preview cA 131072/8192 0,0 ?
    lyria-3.5 cA 131072/65536 0,0 ?
    lyria-3.5-clip-preview cA 131072/8192 0,0 ?
    lyria-3.5-pro-preview cA 131072/8192 0,0 ?
    [groq]
    meta-llama/llama-prompt-guard-2-22m c 512/512 0.03,0.03
    meta-llama/llama-prompt-guard-2-86m c 512/512 0.04,0.04
    openai/gpt-oss-120b ctrs 131072/65536 0.15,0.6,0.075
    openai/gpt-oss-20b ctrs 131072/65536 0.075,0.3,0.0375
    openai/gpt-oss-safeguard-20b ctrs 131072/65536 0.075,0.3,0.037 ?
    qwen/qwen3.8-27b cvtrs 131072/16384 0.8,4
    [mistral]
    codestral-2508 cts 128000/128000 0.3,0.9,0.03
    codestral-embed e 8192/ 0.15,,0.015
    codestral-embed-2505 e 8192/ 0.15,,0.015
    codestral-latest cts 128000/128000 0.3,0.9,0.03
    codestral-mamba-latest c 256000/256000 0.25,0.25,0.025 ?
    deepseek-v4-1-flash-1017 cvtrs 1048576/131072 0.3,1.2,0.007
    devstral-latest ctrs 256000/256000 0.4,2,0.04 ?
    devstral-medium-latest ctrs 256000/256000 0.4,2,0.04 ?
    devstral-small-latest ctrs 256000/256000 0.1,0.3,0.01
    glm-5-2 ctrs 1048576/131072 1.4,4.4,0.14 ?
    labs-leanstral-1-5-1 cts 262144/131072 0,0 ?
    magistral-medium-latest cvtrs 262144/262144 1.5,7.5,0.15 ?
    magistral-small-latest cvtrs 262144/262144 0.15,0.6,0.015 ?
    ministral-14b-2512 cvts 262144/262144 0.2,0.2,0.02
    ministral-14b-latest cvts 262144/262144 0.2,0.2,0.02 ?
    ministral-3-14b-2512 cvts 262144/262144 0.2,0.2,0.02 ?
    ministral-3-3b-2512 cvts 131072/131072 0.1,0.1,0.01 ?
    ministral-3-8b-2512 cvts 262144/262144 0.15,0.15,0.015 ?
    ministral-3b-2512 cvts 131072/131072 0.1,0.1,0.01
    ministral-3b-latest cvts 131072/131072 0.1,0.1,0.01 ?
    ministral-8b-2512 cvts 262144/262144 0.15,0.15,0.015
    ministral-8b-latest cvts 262144/262144 0.15,0.15,0.015
    mistral-code-agent-latest ctrs 256000/256000 0.4,2,0.04 ?
    mistral-code-fim-latest cts 128000/128000 0.3,0.9,0.03 ?
    mistral-code-latest cts 128000/128000 0.3,0.9,0.03 ?
    mistral-embed e 8192/ 0.1
    mistral-embed-2312 e 8192/ 0.1
    mistral-large-2512 cvts 262144/262144 0.5,1.5,0.05 x:2027-04-30>
    mistral-large-3 cvts 262144/262144 0.5,1.5,0.05 ?
    mistral-large-4 cvtrs 1048576/1048576 0.7,2.1,0.07
    mistral-large-4-0 cvtrs 1048576/1048576 0.7,2.1,0.07
    mistral-large-latest cvts 262144/262144 0.5,1.5,0.05 ?
    mistral-medium cvtrs 262144/262144 1.5,7.5,0.15 ?
    mistral-medium-2604 cvtrs 262144/262144 1.5,7.5,0.15
    mistral-medium-3 cvtrs 262144/262144 1.5,7.5,0.15
    mistral-medium-3-5 cvtrs 262144/262144 1.5,7.5,0.15 x:2027-04-30>
    mistral-medium-3.5 cvtrs 262144/262144 1.5,7.5,0.15
    mistral-medium-latest cvtrs 262144/262144 1.5,7.5,0.15
    mistral-small ctrs 32000/8191 0.1,0.3,0.01 ?
    mistral-small-2603 cvtrs 262144/262144 0.15,0.6,0.015
    mistral-small-latest cvtrs 262144/262144 0.15,0.6,0.015
    mistral-tiny cs 32000/8191 0.25,0.25,0.025
    mistral-vibe-cli-fast cvtrs 262144/262144 0.15,0.6,0.015 ?
    mistral-vibe-cli-latest cvtrs 262144/262144 1.5,7.5,0.15 ?
    mistral-vibe-cli-with-tools cvtrs 262144/262144 1.5,7.5,0.15 ?
    open-mistral-nemo cs 128000/128000 0.3,0.3,0.03 ?
    pixtral-large-latest cvts 128000/128000 2,6,0.2
    voxtral-small-2507 cats 32768/32768 0.1,0.4,0.01
    voxtral-small-latest cats 32768/32768 0.1,0.4,0.01
    zai-glm-5 ctrs 1048576/131072 1.4,4.4,0.14 ?
    zai-glm-5-3 ctrs 1048576/131072 1.4,4.4,0.14
    zai-glm-5-3-flash cvtrs 1048576/131072 0.15,0.5,0.03
    zai-glm-latest ctrs 1048576/131072 1.4,4.4,0.14 ?
    [openai]
    chat-latest cvptrs 400000/128000 5,30,0.5
    daybreak-blue-latest cvptrs 922000/128000 4,20,0.4,5 >272k:8,30,0.8,10 ?
    daybreak-red-latest cvptrs 272000/128000 12.5,75,1.25,15.625 >272k:25,112.5,2.5,31.25 ?
    gpt-3.5-turbo ct 16385/4096 0.5,1.5 x:2026-10-23>gpt-5.6-terra
    gpt-3.5-turbo-0125 ct 16385/4096 0.5,1.5 x:2026-10-23>gpt-5.6-terra
    gpt-3.5-turbo-1106 ct 16385/4096 1,2 b:100 x:2026-09-28>gpt-5.6-terra
    gpt-4 ct 8192/4096 30,60 x:2026-10-23>gpt-5.6-sol
    gpt-4-0613 ct 8192/4096 30,60 x:2026-10-23>gpt-5.6-sol
    gpt-4-1106-preview ct 128000/4096 10,30 x:2026-10-23>gpt-5.6-sol
    gpt-4-turbo cvpt 128000/4096 10,30 x:2026-10-23>gpt-5.6-sol =gpt-4-turbo-2024-04-09
    gpt-4.1 cvpts 1047576/32768 2,8,0.5 p:175 x:2027-01-14>gpt-6-luna =gpt-4.1-2025-04-14
    gpt-4.1-mini cvpts 1047576/32768 0.4,1.6,0.1 p:175 x:2027-01-14>gpt-6-luna =gpt-4.1-mini-2025-04-14
    gpt-4.1-nano cvpts 1047576/32768 0.1,0.4,0.025 p:200 x:2026-10-23>gpt-5.6-luna =gpt-4.1-nano-2025-04-14
    gpt-4o cvpts 128000/16384 2.5,10,1.25 p:170 x:2027-01-14>gpt-6-luna =gpt-4o-2024-08-06 =gpt-4o-2024-11-20
    gpt-4o-2024-05-13 cvpt 128000/4096 5,15 p:175 x:2026-10-23>gpt-5.6-sol
    gpt-4o-audio-preview-2024-12-17 caAt 128000/16384 2.5,10 a:40,80 x:2027-01-20>gpt-audio-1.5 =gpt-4o-audio-preview-2025-06-03
    gpt-4o-mini cvpts 128000/16384 0.15,0.6,0.075 p:167 x:2027-01-14>gpt-6-luna =gpt-4o-mini-2024-07-18
    gpt-4o-mini-audio-preview-2024-12-17 caAt 128000/16384 0.15,0.6 a:10,20 x:2027-01-20>
    gpt-5 cvptrs 272000/128000 1.25,10,0.125 f:50 p:200 x:2026-12-11>gpt-5.6-sol =gpt-5-2025-08-07
    gpt-5-chat-latest cvptrs 128000/16384 1.25,10,0.125 x:2026-07-23>gpt-5.6-sol
    gpt-5-codex rvptrs 272000/128000 1.25,10,0.125 x:2026-07-23>gpt-5.6-sol
    gpt-5-mini cvptrs 272000/128000 0.25,2,0.025 f:50 p:180 x:2026-12-11>gpt-5.6-terra =gpt-5-mini-2025-08-07
    gpt-5-nano cvptrs 272000/128000 0.05,0.4,0.005 f:50 x:2026-12-11>gpt-5.6-luna =gpt-5-nano-2025-08-07
    gpt-5-pro rvptrs 400000/272000 15,120 x:2026-12-11>gpt-5.6-sol =gpt-5-pro-2025-10-06
    gpt-5-search-api cvpts 272000/128000 1.25,10,0.125
    gpt-5-search-api-2025-10-14 cvpts 272000/128000 1.25,10,0.125 ?
    gpt-5.1 cvptrs 272000/128000 1.25,10,0.125 f:50 p:200 x:2027-04-01>gpt-6-sol =gpt-5.1-2025-11-13
    gpt-5.1-chat-latest cvptrs 128000/16384 1.25,10,0.125 x:2026-07-23>gpt-5.6-sol
    gpt-5.1-codex rvptrs 400000/128000 1.25,10,0.125 x:2026-07-23>gpt-5.6-sol
    gpt-5.1-codex-max rvptrs 400000/128000 1.25,10,0.125 x:2026-07-23>gpt-5.6-sol
    gpt-5.1-codex-mini rvptrs 400000/128000 0.25,2,0.025 x:2026-07-23>gpt-5.6-terra
    gpt-5.2 cvptrs 272000/128000 1.75,14,0.175 f:50 p:200 =gpt-5.2-2025-12-11
    gpt-5.2-chat-latest cvptrs 128000/16384 1.75,14,0.175 x:2026-08-10>gpt-5.6-sol
    gpt-5.2-codex rvptrs 272000/128000 1.75,14,0.175 x:2026-07-23>gpt-5.6-sol
    gpt-5.2-pro rvptrs 272000/128000 21,168 =gpt-5.2-pro-2025-12-11
    gpt-5.3-chat-latest cvptrs 128000/16384 1.75,14,0.175 x:2026-08-10>gpt-5.6-sol
    gpt-5.3-codex rvptrs 272000/128000 1.75,14,0.175 p:200 x:2027-04-01>gpt-6-sol
    gpt-5.4 cvptrs 1050000/128000 2.5,15,0.25 >272k:5,22.5,0.5 f:50 p:200 =gpt-5.4-2026-03-05
    gpt-5.4-mini cvptrs 272000/128000 0.75,4.5,0.075 f:50 p:200 =gpt-5.4-mini-2026-03-17
    gpt-5.4-nano cvptrs 272000/128000 0.2,1.25,0.02 f:50 x:2027-04-01>gpt-6-luna =gpt-5.4-nano-2026-03-17
    gpt-5.4-pro rvptr 1050000/128000 30,180 >272k:60,270 f:50 =gpt-5.4-pro-2026-03-05
    gpt-5.5 cvptrs 1050000/128000 5,30,0.5 >272k:10,45,1 f:50 p:250 =gpt-5.5-2026-04-23
    gpt-5.5-cyber cr / 12.5,75,1.25
    gpt-5.5-cyber-preview cr / 12.5,75,1.25 x:2027-02-01> ?
    gpt-5.5-pro rvptr 1050000/128000 30,180 >272k:60,270 f:50 =gpt-5.5-pro-2026-04-23
    gpt-5.6 cvptrs 922000/128000 4,20,0.4,5,10 >272k:8,30,0.8,10,20 f:50 p:200
    gpt-5.6-cyber cvptrs 272000/128000 12.5,75,1.25,15.625,31.25 >272k:25,112.5,2.5,31.25
    gpt-5.6-luna cvptrs 922000/128000 0.2,1.2,0.02,0.25,0.5 >272k:0.4,1.8,0.04,0.5,1 f:50 p:200
    gpt-5.6-sol cvptrs 922000/128000 4,20,0.4,5,10 >272k:8,30,0.8,10,20 f:50 p:200
    gpt-5.6-terra cvptrs 922000/128000 2,12,0.2,2.5,5 >272k:4,18,0.4,5,10 f:50 p:200
    gpt-6-astra cvptrs 922000/128000 10,50,1,12.5,25 >272k:20,75,2,25,50 f:50 p:200
    gpt-6-astra-law cvptrs 922000/128000 10,50,1 ?
    gpt-6-cyber cvptrs 922000/128000 20,100,2,25,50
    gpt-6-luna cvptrs 922000/128000 0.1,0.5,0.01,0.125,0.25 >272k:0.2,0.75,0.02,0.25,0.5 f:50 p:200
    gpt-6-rosalind cvptrs 922000/128000 15,75,1.5,18.75,37.5 >272k:30,112.5,3,37.5,75
    gpt-6-sol cvptrs 922000/128000 2,10,0.2,2.5,5 >272k:4,15,0.4,5,10 f:50 p:200
    gpt-6.1-sol cvptrs 922000/128000 2,10,0.1,2.5,5 >272k:4,15,0.2,5,10 f:50 p:200
    gpt-6.1-terra cvptrs 922000/128000 1,5,0.05,1.25,2.5 >272k:2,7.5,0.1,2.5,5 f:50 p:200
    gpt-audio caAt 128000/16384 2.5,10 a:32,64 x:2027-01-20>gpt-audio-1.5 =gpt-audio-2025-08-28
    gpt-audio-1.5 caAt 128000/16384 2.5,10 a:32,64
    gpt-audio-mini caAt 128000/16384 0.6,2.4 a:10,20 x:2027-01-20>gpt-audio-1.5 =gpt-audio-mini-2025-12-15
    gpt-audio-mini-2025-10-06 caAt 128000/16384 0.6,2.4 a:10,20 x:2026-07-23>gpt-audio-1.5
    gpt-daybreak-blue-latest rvptrs 922000/128000 4,20,0.4,5 >272k:8,30,0.8,10 ?
    gpt-daybreak-red-latest rvptrs 272000/128000 12.5,75,1.25,15.625 >272k:25,112.5,2.5,31.25 ?
    gpt-rosalind-discovery c / 5,25,0.5
    gpt-rosalind-research c / 5,25,0.5
    o1 cvptrs 200000/100000 15,60,7.5 x:2026-10-23>gpt-5.6-sol =o1-2024-12-17
    o1-pro rvptrs 200000/100000 150,600 x:2026-10-23>gpt-5.6-sol =o1-pro-2025-03-19
    o3 cvptrs 200000/100000 2,8,0.5 f:50 p:175 x:2026-12-11>gpt-5.6-sol =o3-2025-04-16
    o3-deep-research rvpr 200000/100000 10,40,2.5 x:2026-07-23>gpt-5.6-sol =o3-deep-research-2025-06-26
    o3-mini ctrs 200000/100000 1.1,4.4,0.55 x:2026-10-23>gpt-5.6-sol =o3-mini-2025-01-31
    o3-pro rvptrs 200000/100000 20,80 x:2026-12-11>gpt-5.6-sol =o3-pro-2025-06-10
    o4-mini cvptrs 200000/100000 1.1,4.4,0.275 f:50 p:182 x:2026-10-23>gpt-5.6-terra =o4-mini-2025-04-16
    o4-mini-deep-research rvpr 200000/100000 2,8,0.5 x:2026-07-23>gpt-5.6-sol =o4-mini-deep-research-2025-06-26
    text-embedding-3-large e 8191/ 0.13,0
    text-embedding-3-small e 8191/ 0.02,0
    text-embedding-ada-002 e 8191/ 0.1,0
    text-embedding-ada-002-v2 e 8191/ 0.1,0
    [perplexity]
    sonar c 128000/128000 1,1
    sonar-deep-research cr 128000/128000 2,8
    sonar-medium-chat c 16384/16384 0.6,1.8 ?
    sonar-medium-online c 12000/12000 0,1.8 ?
    sonar-pro c 200000/8000 3,15
    sonar-reasoning cr 128000/128000 1,5
    sonar-reasoning-pro cr 128000/128000 2,8
    sonar-small-chat c 16384/16384 0.07,0.28 ?
    sonar-small-online c 12000/12000 0,0.28 ?
    [together]
    MiniMaxAI/MiniMax-M3 cvtrs 524288/524288 0.3,1.2,0.06 x:2026-11-06>MiniMaxAI/MiniMax-M3.1-Flash
    MiniMaxAI/MiniMax-M3.1-Flash c 1048576/1048576 0.15,0.6,0.015
    Qwen/Qwen3.5-9B cvtrs 262144/262144 0.17,0.25
    Qwen/Qwen3.6-Plus cr 1000000/1000000 0.5,3
    Qwen/Qwen3.7-Max c 1000000/1000000 2.5,7.5,0.5
    Qwen/Qwen3.7-Plus c 1000000/1000000 0.32,1.28
    Qwen/Qwen3.8-2.4T-A95B c 1010000/1010000 2,6,0.25 x:2026-11-04>Qwen/Qwen3.7-Max ?
    Qwen/Qwen3.8-Flash c 1000000/1000000 0.15,0.47
    deepseek-ai/DeepSeek-V3 cts 65536/8192 1.25,1.25 ?
    deepseek-ai/DeepSeek-V4-Flash-0731 cts 1048576/1048576 0.14,0.28,0.03 x:2026-10-22>deepseek-ai/DeepSeek-V4.1-Flash-1017 ?
    deepseek-ai/DeepSeek-V4-Pro-0813 cts 1048576/1048576 1.32,3.96,0.13
    deepseek-ai/DeepSeek-V4.1-Flash cts 1048576/1048576 0.3,1.2,0.006
    deepseek-ai/DeepSeek-V4.1-Flash-1017 cvtrs 1048576/1048576 0.3,1.2,0.006
    meta-llama/Llama-3.1-405B-Instruct c 4096/4096 3.5,3.5 ?
    meta-llama/Llama-3.2-1B-Instruct c 131072/131072 0.06,0.06 ?
    meta-llama/Llama-3.2-3B-Instruct c 131072/131072 0.06,0.06 ?
    meta-llama/Llama-3.3-70B-Instruct-Turbo cts 131072/131072 1.04,1.04 x:2026-10-22>meta-models/Muse-Glimmer-30B ?
    meta-llama/Meta-Llama-3.1-8B t 16384/16384 0.2,0.2 ?
    meta-models/Muse-Glimmer-30B c 131072/131072 0.35,1.5,0.04
    meta-models/Muse-Spark-Open-816B-A42B cts 1048576/1048576 1.25,4.25,0.15
    moonshotai/Kimi-K2-Instruct cts / 1,3 ?
    moonshotai/Kimi-K2.5-fp4 c 262144/ 0.5,2.8 ?
    moonshotai/Kimi-K3 cvtrs 1048576/1048576 3,15,0.3
    moonshotai/Kimi-K3.1-Pro cvtrs 1048576/1048576 2,10,0.2
    nvidia/NVIDIA-Nemotron-3.5-Super-VL cvtrs 262144/262144 0.15,0.5,0.02
    openai/gpt-oss-120b ctrs 131072/131072 0.15,0.6
    openai/gpt-oss-20b c 131072/131072 0.05,0.2 x:2026-09-15>Qwen/Qwen3.5-9B ?
    reflection/Beam-1.0-501B-A23B cts 1048576/1048576 0.4,1.2,0.04
    ricursive-ai/Ripple-65B-Preview c 131072/131072 0.2,0.6,0.02
    thinkingmachines/Inkling cts 524288/524288 1,4.05,0.17 x:2026-11-06>meta-models/Muse-Spark-Open-816B-A42B
    together/Tev1-4B-experimental c 32768/ 0.042,0
    zai-org/GLM-4.6 ctr 202752/202752 0.6,2.2 ?
    zai-org/GLM-5.2 ctrs 1048575/128000 1.4,4.4,0.26
    zai-org/GLM-5.3 ctrs 1048575/128000 1.4,4.4,0.26
    zai-org/GLM-5.3-Flash cvtrs 1048575/128000 0.15,0.5,0.03
    [vertex]
    claude-3-sonnet cvt 200000/4096 3,15 =claude-3-sonnet@20240229
    claude-fable-5 cvptrs 1000000/128000 10,50,1,12.5,20 x:2027-06-08>
    claude-fable-5-1 cvptrs 1000000/128000 10,50,0.25,12.5,20 x:2027-03-01>
    claude-fable-5-1@default cvptrs 1000000/128000 10,50,0.25,12.5,20 x:2027-03-01> ?
    claude-fable-5@default cvptrs 1000000/128000 10,50,1,12.5,20 x:2027-06-08> ?
    claude-haiku-4-5 cvptrs 200000/64000 1,5,0.1,1.25,2 x:2026-10-15>claude-haiku-5-5
    claude-haiku-5-5 cvptrs 1000000/128000 0.1,0.5,0.01,0.125,0.2 >100k:0.5,2.5,0.05,0.625,1 =claude-haiku-5-5@default
    claude-opus-4-5 cvptrs 200000/64000 5,25,0.5,6.25,10 x:2026-11-24>claude-opus-5-5
    claude-opus-4-6 cvptrs 1000000/128000 5,25,0.5,6.25,10 x:2027-02-05> =claude-opus-4-6@default
    claude-opus-4-7 cvptrs 1000000/128000 5,25,0.5,6.25,10 x:2027-04-16> =claude-opus-4-7@default
    claude-opus-4-8 cvptrs 1000000/128000 5,25,0.5,6.25,10 x:2027-05-28> =claude-opus-4-8@default
    claude-opus-5 cvptrs 1000000/128000 5,25,0.5,6.25,10 x:2027-01-24>
    claude-opus-5-5 cvptrs 1000000/128000 4,20,0.2,5,8
    claude-opus-5-5@default cvptrs 1000000/128000 4,20,0.2,5,8 ?
    claude-opus-5@default cvptrs 1000000/128000 5,25,0.5,6.25,10 x:2027-01-24> ?
    claude-sonnet-4-5 cvptrs 200000/64000 3,15,0.3,3.75,6 >200k:6,22.5,0.6,7.5,12 x:2026-09-29>claude-sonnet-5-5
    claude-sonnet-4-6 cvptrs 1000000/64000 3,15,0.3,3.75,6 =claude-sonnet-4-6@default
    claude-sonnet-5 cvptrs 1000000/128000 2,10,0.2,2.5,4 x:2026-12-24> =claude-sonnet-5@default
    claude-sonnet-5-5 cvptrs 1000000/128000 2,10,0.1,2.5,4 =claude-sonnet-5-5@default
    gemini-2.0-flash c / 0.15,0.6 a:1 x:2026-06-01>gemini-3.5-flash-lite ?
    gemini-2.0-flash-lite c / 0.075,0.3 a:0.075 x:2026-06-01>gemini-3.5-flash-lite
    gemini-2.5-flash cvptrs 1048576/65535 0.3,2.5,0.03 a:1 f:50 p:180 x:2026-10-20>gemini-3.8-flash
    gemini-2.5-flash-lite cvptrs 1048576/65535 0.1,0.4,0.01 a:0.3 f:50 p:180 x:2026-10-20>gemini-3.8-flash
    gemini-2.5-flash-lite-preview-09-2025 cvptrs 1048576/65535 0.1,0.4,0.01 a:0.3
    gemini-2.5-flash-preview-09-2025 cvptrs 1048576/65535 0.3,2.5,0.03 a:1
    gemini-2.5-pro cvpatrs 1048576/65535 1.25,10,0.125 >200k:2.5,15,0.25,0.25 f:50 p:180 x:2026-10-20>gemini-3.8-flash
    gemini-3-flash-preview cvptrs 1048576/65535 0.5,3,0.05 a:1 f:50 p:180
    gemini-3-pro-preview cvpatrs 1048576/65535 2,12,0.2 >200k:4,18,0.4,0.25 p:180
    gemini-3.1-flash-lite cvpatrs 1048576/65536 0.25,1.5,0.025 a:0.5 f:50 p:180 x:2027-05-07>gemini-3.5-flash-lite
    gemini-3.1-flash-lite-preview cvpatrs 1048576/65536 0.25,1.5,0.025 a:0.5
    gemini-3.1-pro-preview cvpatrs 1048576/65536 2,12,0.2 >200k:4,18,0.4,0.25 f:50 p:180
    gemini-3.1-pro-preview-customtools cvpatrs 1048576/65536 2,12,0.2 >200k:4,18,0.4,0.25 p:180
    gemini-3.5-flash cvpatrs 1048576/65535 1.5,9,0.15 a:1.5 f:50 p:180 x:2027-05-19>gemini-3.8-flash
    gemini-3.5-flash-lite cvpatrs 1048576/65536 0.3,2.5,0.03 f:50 p:180 x:2027-07-21>
    gemini-3.6-flash cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180 x:2026-11-19>gemini-3.8-flash
    gemini-3.7-flash cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180 x:2027-01-28>gemini-3.8-flash
    gemini-3.8-flash cvpatrs 1048576/65536 0.75,3.75,0.075 f:50 p:180
    gemini-3.8-flash-cyber cvpars 1048576/65536 1.5,7.5,0.15 f:50 p:180 ?
    gemini-4-argon cvpatrs 1048576/1048576 2,10,0.1 a:2 f:50 p:180
    gemini-4-argon-cyber-permissive cvpatrs 1048576/1048576 4,20,0.2 a:4 f:50 p:180 ?
    gemini-4-hydrogen cvpatrs 1048576/1048576 1.5,7.5,0.075 a:1.5 p:180 ?
    gemini-embedding-2 e 8192/ 0.2,0 a:6.5
    gemini-embedding-2-preview e 8192/ 0.2,0 a:6.5
    gemini-flash-experimental e 1000000/ 0,0 ?
    gemini-omni-1.1-flash c / 1.5,9
    gemini-omni-1.1-flash-preview cvr 131072/57920 1.5,9 ?
    gemini-omni-1.2-flash cvr 131072/260640 1.5,9 ?
    [xai]
    grok-4.20 cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80
    grok-4.20-0309 cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80 ?
    grok-4.20-0309-non-reasoning cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80
    grok-4.20-0309-reasoning cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80
    grok-4.20-beta cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 =grok-4.20-beta-latest ?
    grok-4.20-beta-0309 cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-beta-0309-non-reasoning cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-beta-0309-reasoning cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-beta-latest-non-reasoning cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-beta-latest-reasoning cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-beta-non-reasoning cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-beta-reasoning cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-experimental-beta-0304 cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-experimental-beta-0304-non-reasoning cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-experimental-beta-0304-reasoning cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-experimental-beta-latest cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-experimental-beta-non-reasoning-latest cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-experimental-beta-reasoning-latest cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-multi-agent rvrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80 =grok-4.20-multi-agent-latest
    grok-4.20-multi-agent-0309 rvrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80
    grok-4.20-multi-agent-beta-0309 rvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4
    grok-4.20-multi-agent-beta-latest rvrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4
    grok-4.20-multi-agent-experimental-beta-0304 rvrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-multi-agent-experimental-beta-latest rvrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-non-reasoning cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80 =grok-4.20-non-reasoning-latest ?
    grok-4.20-non-reasoning-gv2 cvts 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.20-reasoning cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80 =grok-4.20-reasoning-latest ?
    grok-4.20-reasoning-gv2 cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 ?
    grok-4.3 cvtrs 1000000/1000000 1.25,2.5,0.2 >200k:2.5,5,0.4 b:80 =grok-4.3-latest
    grok-4.5 cvtrs 500000/500000 2,6,0.3 >200k:4,12,0.6 =grok-4.5-latest
    grok-4.6 cvtrs 500000/500000 2,6,0.5 >200k:4,12,1
    grok-4.7 cvtrs 500000/500000 2,6,0.5 >200k:4,12,1 b:80
    grok-build-0.1 cvtrs 256000/256000 1,2,0.2 >200k:2,4,0.4
    grok-build-latest cvtrs 500000/500000 2,6,0.3 >200k:4,12,0.6 ?
    grok-code-fast cvtrs 256000/256000 1,2,0.2 >200k:2,4,0.4 ?
    grok-code-fast-1 cvtrs 256000/256000 1,2,0.2 >200k:2,4,0.4 x:2026-05-15>grok-build-0.1 ?
    grok-code-fast-1-0825 cvtrs 256000/256000 1,2,0.2 >200k:2,4,0.4 ?
    """
}

"""Networks of each family of transformers, tiny and of random weights, as folders written by save_pretrained."""

import json

import torch

SENTENCES = [
    "a red ball on the green grass",
    "a dog runs after the ball",
    "the sky is blue and a bird flies",
    "two dogs and a man with a bicycle",
]
VISION = {
    "hidden_size": 24,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def save_blip(folder):
    from transformers import BlipConfig, BlipForConditionalGeneration

    words = _save_word_pieces(folder)
    text = _text(words) | {"bos_token_id": words["[DEC]"], "sep_token_id": words["[SEP]"], "pad_token_id": 0}
    config = BlipConfig(
        vision_config=VISION, text_config=text | {"encoder_hidden_size": 24, "is_decoder": True}
    )
    return _save(BlipForConditionalGeneration, config, folder)


def save_git(folder):
    from transformers import GitConfig, GitForCausalLM

    words = _save_word_pieces(folder)
    ends = {"bos_token_id": words["[CLS]"], "eos_token_id": words["[SEP]"], "pad_token_id": 0}
    return _save(GitForCausalLM, GitConfig(vision_config=VISION, **_text(words), **ends), folder)


def save_vit_gpt2(folder):
    from transformers import GPT2Config, VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig

    size = _save_byte_pairs(folder)
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    decoder = GPT2Config(n_embd=24, n_layer=2, n_head=2, n_positions=32, vocab_size=size, **ends)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**VISION), decoder)
    config.decoder_start_token_id, config.pad_token_id = 0, 0
    return _save(VisionEncoderDecoderModel, config, folder)


def save_swin_bert(folder, decoder="Bert"):
    """An encoder without class token, and a decoder of another width."""
    import transformers
    from transformers import SwinConfig, VisionEncoderDecoderConfig, VisionEncoderDecoderModel

    words = _save_word_pieces(folder)
    encoder = SwinConfig(
        image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4
    )
    text = getattr(transformers, f"{decoder}Config")(**_text(words))
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, text)
    config.decoder_start_token_id, config.eos_token_id = words["[CLS]"], words["[SEP]"]
    config.pad_token_id = 0
    return _save(VisionEncoderDecoderModel, config, folder)


def _text(words):
    return {
        "vocab_size": len(words),
        "hidden_size": 24,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 32,
    }


def _save(kind, config, folder, spread=0.2):
    config.initializer_range = 0.4
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(config)
        for (
            parameter
        ) in model.parameters():  # words that differ from picture to picture, and gradients of a size
            parameter.data += spread * torch.randn_like(parameter)
    model.save_pretrained(folder)
    processor = {
        "do_resize": True,
        "size": {"height": 32, "width": 32},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.25, 0.3],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def _save_word_pieces(folder):
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(exist_ok=True, parents=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    known = sorted({word for sentence in SENTENCES for word in sentence.split() if word != "bicycle"})
    words = {word: number for number, word in enumerate([*special, *known, "bi", "##cycle", "##s"])}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        bos_token="[DEC]",
    ).save_pretrained(folder)
    return words


def _save_byte_pairs(folder):
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(exist_ok=True, parents=True)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        SENTENCES, vocab_size=320, min_frequency=1, special_tokens=["<|endoftext|>"], show_progress=False
    )
    end = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer._tokenizer, **end).save_pretrained(folder)
    return tokenizer.get_vocab_size()


def save_owl(folder, kind):
    import transformers

    names = {"owlvit": "OwlViT", "owlv2": "Owlv2"}[kind]
    size = _save_byte_pairs(folder)
    vision = VISION | {"image_size": 32}
    text = _text(range(size)) | {"max_position_embeddings": 16, "eos_token_id": 0, "bos_token_id": 0}
    config = getattr(transformers, f"{names}Config")(
        text_config=text, vision_config=vision, projection_dim=24
    )
    _save(getattr(transformers, f"{names}ForObjectDetection"), config, folder, spread=0.05)
    images = getattr(transformers, f"{names}ImageProcessor")(size={"height": 32, "width": 32})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token, tokenizer.model_max_length = "<|endoftext|>", 16
    getattr(transformers, f"{names}Processor")(images, tokenizer).save_pretrained(folder)
    return folder


def save_grounding_dino(folder, kind):
    import transformers

    words = _save_word_pieces(folder)
    backbone = transformers.SwinConfig(
        image_size=32,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1],
        num_heads=[1, 2, 2],
        window_size=4,
        out_features=["stage2", "stage3"],
    )
    config = transformers.GroundingDinoConfig(
        backbone_config=backbone,
        text_config=transformers.BertConfig(**_text(words)),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_feature_levels=3,
        num_queries=8,
        max_text_len=16,
    )
    _save(transformers.GroundingDinoForObjectDetection, config, folder)
    images = transformers.GroundingDinoImageProcessor(size={"shortest_edge": 32, "longest_edge": 48})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = 16
    transformers.GroundingDinoProcessor(images, tokenizer).save_pretrained(folder)
    return folder

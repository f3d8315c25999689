"""The cosine of sentences, on a real network of transformers with random weights."""

import json

import numpy as np
import pytest

from cadrage.captions.similarity.measures import SimilarityOptions, similarities
from cadrage.errors import RequestError, WeightsError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "runs", "cat", "sleeps", "red", "boat"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedding")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    generator = torch.random.get_rng_state()
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    torch.random.set_rng_state(generator)
    return folder


def test_it_is_the_cosine_of_means_over_the_words(network):
    from cadrage.captions.similarity.embedding import Embedder

    embedder = Embedder.load(str(network))
    tokenizer = transformers.AutoTokenizer.from_pretrained(network)
    model = transformers.AutoModel.from_pretrained(network)

    def mean(text):
        with torch.no_grad():
            return model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0)

    expected = torch.nn.functional.cosine_similarity(mean("a dog runs"), mean("a red boat sleeps"), dim=0)
    # The second pair is longer: what fills up the shorter sentence must not count.
    together, each = embedder.scores(
        ["a dog runs", "a cat"], [["a red boat sleeps"], ["a cat sleeps a cat sleeps a cat", "a cat"]]
    )
    assert each[0] == pytest.approx(expected.item(), abs=1e-5)
    assert each[1] == pytest.approx(1, abs=1e-6)  # of several references the nearest counts
    assert together == pytest.approx(each.mean())


def test_nothing_said_has_nothing(network):
    found = similarities(["", "a dog"], [["a cat"], ["a dog"]], SimilarityOptions(embedding=str(network)))
    embedding = next(one for one in found if one.name == "embedding")
    np.testing.assert_allclose(embedding.each, [0, 1], atol=1e-6)


def test_a_folder_without_weights_is_refused(tmp_path):
    from cadrage.captions.similarity.embedding import Embedder

    with pytest.raises(WeightsError, match="not the folder of a sentence embedding"):
        Embedder.load(str(tmp_path))
    found = similarities(["a dog"], [["a dog"]], SimilarityOptions(embedding=str(tmp_path)))
    assert "not the folder" in next(one.reason for one in found if one.name == "embedding")


def test_weights_that_are_missing_are_not_made_up(network, tmp_path):
    from safetensors.torch import load_file, save_file

    from cadrage.captions.similarity.embedding import Embedder

    for path in network.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    pooler = {name: weights.pop(name) for name in list(weights) if name.startswith("pooler.")}
    assert pooler
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    Embedder.load(str(tmp_path))  # the pooler is not used
    del weights["embeddings.word_embeddings.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 'embeddings.word_embeddings.weight'"):
        Embedder.load(str(tmp_path))


def test_another_summary_of_words_than_their_mean_is_refused(network, tmp_path):
    from cadrage.captions.similarity.embedding import Embedder

    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": False}))
    with pytest.raises(RequestError, match="not the mean of its words"):
        Embedder.load(str(tmp_path))

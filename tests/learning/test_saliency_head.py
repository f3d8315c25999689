"""The saliency head: its geometry, and the network that carries it."""

import pytest
import torch

from cadrage.errors import RequestError, WeightsError
from cadrage.learning.checkpoints import load_network, save_atomically, save_network
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.saliency_head import SaliencyHead, overlap_loss
from cadrage.learning.scoring import predict_saliency

SMALL = NetworkConfig(backbone="timm:mobilenetv3_small_050", width=32, hidden=16)


def network(**settings):
    torch.manual_seed(0)
    return CropNetwork(NetworkConfig(**{**SMALL.to_dict(), **settings})).eval()


def raster(height=64, width=96):
    values = torch.rand((3, height, width), generator=torch.Generator().manual_seed(0)) * 255
    return values.to(torch.uint8)


@pytest.mark.parametrize("size_hw", [(32, 32), (64, 96), (256, 320)])
def test_a_map_has_a_cell_for_eight_by_eight_pixels(size_hw):
    saliency = predict_saliency(network(saliency=4), raster(*size_hw))
    assert saliency.shape == (size_hw[0] // 8, size_hw[1] // 8)
    assert (saliency.min() >= 0, saliency.max() <= 1) == (True, True)


def test_dropout_is_for_training_only():
    head = SaliencyHead((4, 6, 8), 4, dropout=0.5)
    maps = tuple(
        torch.ones(2, channels, 8 // 2**level, 8 // 2**level) for level, channels in enumerate((4, 6, 8))
    )
    head.train()
    assert not torch.equal(head(maps), head(maps))
    head.eval()
    assert torch.equal(head(maps), head(maps))


def test_the_loss_is_least_for_the_mask_itself():
    targets = torch.zeros(2, 4, 4)
    targets[:, :2] = 1
    exact, even, inverse = (overlap_loss(scale * (targets - 0.5), targets, 1.0) for scale in (40, 0, -40))
    assert exact < 1e-6 < even < inverse
    # Cross-entropy of one half, and 4.5 cells of overlap (with the one that smooths it) over 12.5.
    assert overlap_loss(torch.zeros(1, 4, 4), targets[:1], 2.0).item() == pytest.approx(
        torch.log(torch.tensor(2.0)).item() + 2 * (1 - 5 / 13)
    )


def test_a_head_changes_neither_scores_nor_their_weights():
    plain, with_head = network(), network()
    with_head.add_saliency(4)
    boxes = torch.tensor([[0.0, 0, 96, 64], [10, 5, 80, 60]])
    with torch.no_grad():
        pair = [each(raster()[None].float(), boxes) for each in (plain, with_head.eval())]
    assert torch.equal(*pair)
    assert with_head.config == NetworkConfig(**{**SMALL.to_dict(), "saliency": 4})


def test_a_network_is_saved_with_its_head(tmp_path):
    made = network(saliency=4)
    save_network(made, tmp_path / "network.pt", {"epoch": 1})
    loaded, record = load_network(tmp_path / "network.pt")
    assert record == {"epoch": 1}
    assert (predict_saliency(loaded, raster()) == predict_saliency(made, raster())).all()


def test_a_checkpoint_from_before_there_were_heads_is_read(tmp_path):
    made = network()
    save_network(made, tmp_path / "network.pt", {})
    content = torch.load(tmp_path / "network.pt", weights_only=True)
    del content["network"]["saliency"]
    save_atomically(content, tmp_path / "network.pt")
    loaded, _ = load_network(tmp_path / "network.pt")
    assert loaded.saliency_head is None
    assert loaded.state_dict().keys() == made.state_dict().keys()


def test_a_network_without_a_head_has_no_map():
    with pytest.raises(WeightsError, match="no saliency head: train one with 'cadrage train saliency'"):
        predict_saliency(network(), raster())


def test_a_trunk_of_one_stride_takes_no_head():
    scorer = CropNetwork(NetworkConfig(backbone="timm:vit_tiny_patch16_224"))
    with pytest.raises(RequestError, match="those of timm:vit_tiny_patch16_224 lie at 16"):
        scorer.add_saliency(4)

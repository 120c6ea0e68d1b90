"""Networks: one family a file, generator and critic together."""

from ganworks.nets.autoencoder import AutoencoderCritic
from ganworks.nets.condition import Condition, ConditionalNorm
from ganworks.nets.contract import Critic, Panel, Verdict, count_parameters
from ganworks.nets.dcgan import DCGANCritic, DCGANGenerator
from ganworks.nets.minibatch import MinibatchDiscrimination, MinibatchStddev
from ganworks.nets.mlp import MLPCritic, MLPGenerator
from ganworks.nets.sngan import SNGANCritic, SNGANGenerator

__all__ = ["AutoencoderCritic", "Condition", "ConditionalNorm", "Critic", "DCGANCritic", "DCGANGenerator", "MLPCritic",
           "MLPGenerator", "MinibatchDiscrimination", "MinibatchStddev", "Panel", "SNGANCritic", "SNGANGenerator",
           "Verdict", "count_parameters"]

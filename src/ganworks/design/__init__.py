"""The mathematics of adversarial objectives: from a formula to a proved, trainable objective."""
